import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { after as callAfter, LONGEST_TIMER, pause } from '../../src/async/timer.js';

const DAY = 86_400_000;

describe('a wait longer than the longest timer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('ends on time, not before', async () => {
    const done = vi.fn();
    callAfter(50 * DAY, done);
    await vi.advanceTimersByTimeAsync(50 * DAY - 1);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toHaveBeenCalledOnce();
  });

  it('can be cancelled at any time', async () => {
    const done = vi.fn();
    const callOff = callAfter(50 * DAY, done);
    await vi.advanceTimersByTimeAsync(LONGEST_TIMER + DAY);
    callOff();
    await vi.advanceTimersByTimeAsync(50 * DAY);
    expect(done).not.toHaveBeenCalled();
  });

  it('resolves a promise, or rejects it when it is aborted', async () => {
    const patient = pause(30 * DAY, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(30 * DAY);
    await patient;
    const enough = new AbortController();
    const impatient = pause(30 * DAY, enough.signal);
    enough.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    await expect(pause(1, enough.signal)).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(0);
  });
});

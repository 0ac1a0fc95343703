import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff, jitter } from '../../src/async/backoff.js';

describe('a backoff', () => {
  it('doubles its pauses up to the maximum', () => {
    const backoff = new Backoff({ first: 20, longest: 100, spread: 0 });
    expect(Array.from({ length: 5 }, () => backoff.take())).toEqual([20, 40, 80, 100, 100]);
  });

  it('starts again from the first pause after a success', () => {
    const backoff = new Backoff({ first: 20, longest: 100, spread: 0 });
    expect(backoff.isFresh).toBe(true);
    backoff.take();
    backoff.take();
    expect(backoff.isFresh).toBe(false);
    backoff.reset();
    expect(backoff.isFresh).toBe(true);
    expect(backoff.take()).toBe(20);
  });

  it('tells the next pause in advance', () => {
    const backoff = new Backoff({ first: 20, longest: 100 });
    for (let round = 0; round < 20; round++) {
      const { next } = backoff;
      expect(backoff.next).toBe(next);
      expect(backoff.take()).toBe(next);
    }
  });

  it('randomises half of each pause, or the configured part', () => {
    const half = Array.from({ length: 200 }, () => new Backoff({ first: 100, longest: 100 }).take());
    expect(Math.min(...half)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...half)).toBeLessThanOrEqual(100);
    expect(Math.max(...half) - Math.min(...half)).toBeGreaterThan(25);
    const all = Array.from({ length: 200 }, () => new Backoff({ first: 100, longest: 100, spread: 1 }).take());
    expect(Math.min(...all)).toBeLessThan(25);
  });

  describe('while it waits', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('settles after its pause, and rejects when it is aborted', async () => {
      const backoff = new Backoff({ first: 20, longest: 100, spread: 0 });
      const done = vi.fn();
      void backoff.wait().then(done);
      await vi.advanceTimersByTimeAsync(19);
      expect(done).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(done).toHaveBeenCalledOnce();
      const stop = new AbortController();
      const waiting = backoff.wait(stop.signal);
      stop.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});

it('jitter is between 2 and 20 ms', () => {
  const pauses = Array.from({ length: 500 }, jitter);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...pauses)).toBeLessThan(20);
  expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(9);
});

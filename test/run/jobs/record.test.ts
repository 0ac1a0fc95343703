import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RunmakerError } from '../../../src/errors.js';
import type { Job } from '../../../src/job/job.js';
import type { Claim, FinishResult } from '../../../src/queue/queue.js';
import { record } from '../../../src/run/jobs/record.js';
import { Stopping } from '../../../src/run/stopping/stopping.js';
import { isOpenAfter } from '../../support/eventually.js';

/** A claim whose queue gives this answer. */
function claimThat(answer: () => Promise<FinishResult>): Claim {
  return { job: {} as Job, finish: answer, release: answer };
}

const never = (): Promise<FinishResult> => new Promise(() => undefined);
const ignore = (): void => undefined;

describe('a final state', () => {
  it('is recorded, or refused, as the queue says', async () => {
    const recorded = claimThat(async () => ({ kind: 'recorded' }));
    expect(await record(recorded, { state: 'd' }, new Stopping(), ignore)).toEqual({ kind: 'recorded' });
    const refused = claimThat(async () => ({ kind: 'refused', reason: 'gone' }));
    expect(await record(refused, { state: 'd' }, new Stopping(), ignore)).toEqual({ kind: 'refused', reason: 'gone' });
  });

  it('is refused when the queue fails, which is reported as well', async () => {
    const failure = new RunmakerError('queue', 'nobody listens there');
    const claim = claimThat(() => Promise.reject(failure));
    expect(await record(claim, { state: '!' }, new Stopping(), ignore)).toEqual({
      kind: 'refused',
      reason: 'nobody listens there',
      failure,
    });
  });

  it('is not treated as refused after an internal error', async () => {
    await expect(
      record(
        claimThat(() => Promise.reject(new TypeError('a bug'))),
        { state: 'd' },
        new Stopping(),
        ignore,
      ),
    ).rejects.toThrow('a bug');
  });

  it('is waited for when the runner is interrupted, and given up a moment after it was told to exit at once', {
    tags: ['slow'],
  }, async () => {
    const stopping = new Stopping();
    const recording = record(claimThat(never), { state: 'd' }, stopping, ignore);
    stopping.interrupt();
    expect(await isOpenAfter(recording, 1500)).toBe(true);
    stopping.kill();
    expect(await recording).toMatchObject({ kind: 'refused', reason: expect.stringContaining('told to end at once') });
  });

  it('that takes long to write is reported', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const told = vi.fn();
    void record(claimThat(never), { state: 'd' }, new Stopping(), told);
    vi.advanceTimersByTime(29_000);
    expect(told).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2000);
    expect(told).toHaveBeenCalledOnce();
  });
});

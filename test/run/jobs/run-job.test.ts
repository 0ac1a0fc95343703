import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunmakerError } from '../../../src/errors.js';
import type { Execution, Executor } from '../../../src/execute/executor.js';
import type { Claim } from '../../../src/queue/queue.js';
import type { RunEvent } from '../../../src/run/events.js';
import { runJob } from '../../../src/run/jobs/run-job.js';
import { Stopping } from '../../../src/run/stopping/stopping.js';
import { jobOf } from '../../support/task.js';

function shortage(code: string): RunmakerError {
  return new RunmakerError('start', `no process: ${code}`, { cause: Object.assign(new Error(code), { code }) });
}

const ENDED = {
  handle: '7',
  label: 'alice,7',
  exit: Promise.resolve({ kind: 'exited', code: 0 }),
  kill: () => undefined,
} as unknown as Execution;

/** Runs a job whose start fails the given number of times, and returns the outcome. */
function attempt(failures: number, error: Error) {
  const events: RunEvent[] = [];
  let starts = 0;
  const executor = {
    start: async () => {
      starts++;
      if (starts <= failures) throw error;
      return ENDED;
    },
  } as unknown as Executor;
  const stopping = new Stopping();
  const ending = runJob({
    claim: { job: jobOf('true') } as unknown as Claim,
    slot: 1,
    share: { needs: {}, gpus: [] },
    executor,
    host: 'alice',
    queueAddress: '/runs.txt',
    killAfter: 1000,
    tries: 1,
    infraRetries: 0,
    stopping,
    emit: event => void events.push(event),
  });
  return { ending, stopping, events, starts: () => starts };
}

describe('a job that cannot be started', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'])('is retried every second after a shortage (%s), and not failed for it', async code => {
    const { ending, events, starts } = attempt(2, shortage(code));
    await vi.advanceTimersByTimeAsync(999);
    expect(starts()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(starts()).toBe(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect((await ending).outcome).toEqual({ kind: 'exited', code: 0 });
    expect(events.map(({ type }) => type)).toEqual(['started', 'ended']);
  });

  it('is an error when the shortage lasts for thirty attempts', async () => {
    const { ending, events, starts } = attempt(1000, shortage('EAGAIN'));
    await vi.advanceTimersByTimeAsync(28_999);
    expect(starts()).toBe(29);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await ending).outcome).toEqual({ kind: 'notStarted', interrupted: false });
    expect(starts()).toBe(30);
    expect(events.map(({ type }) => type)).toEqual(['notStarted']);
  });

  it('is not retried once the runner is told to stop', async () => {
    const { ending, stopping, starts } = attempt(1000, shortage('EAGAIN'));
    await vi.advanceTimersByTimeAsync(500);
    stopping.interrupt();
    await vi.advanceTimersByTimeAsync(500);
    expect((await ending).outcome).toEqual({ kind: 'notStarted', interrupted: true });
    expect(starts()).toBe(2);
  });

  it('is an error at once for every other reason', async () => {
    const { ending, starts } = attempt(1, shortage('ENOENT'));
    expect((await ending).outcome).toEqual({ kind: 'notStarted', interrupted: false });
    expect(starts()).toBe(1);
    await expect(attempt(1, new Error('a mistake')).ending).rejects.toThrow('a mistake');
  });
});

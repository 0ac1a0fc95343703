import { onTestFinished, vi } from 'vitest';
import type { Job } from '../../src/job/job.js';
import type { Selection } from '../../src/job/selection.js';
import { openQueue } from '../../src/queue/open.js';
import type { Claim, ClaimRequest, LockDriverName, Queue } from '../../src/queue/queue.js';
import { hostClock } from '../../src/system/host-clock.js';

/** A handle to a runs file that is closed after the test. */
export async function openRuns(path: string, locks: LockDriverName = 'record'): Promise<Queue> {
  const queue = await openQueue(path, { locks });
  onTestFinished(() => queue.close());
  return queue;
}

/** Runs an action as if no file had been touched for an hour. */
export async function longAfter<T>(work: () => Promise<T>): Promise<T> {
  const clock = vi.spyOn(hostClock, 'now').mockReturnValue(hostClock.now() + 3_600_000);
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

/** Between two looks of `reclaimAtOnce`, in ms of a clock that is put forward. */
const STEP = 2000;

/** Repeats `reclaim` until nothing is left to reset, with a clock that needs no real waiting. */
export async function reclaimAtOnce(queue: Queue): Promise<readonly Job[]> {
  const now = performance.now.bind(performance);
  const reclaimed: Job[] = [];
  let ahead = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
  try {
    for (; ahead <= (queue.capabilities.presenceReturns ?? 0) + STEP; ahead += STEP) reclaimed.push(...(await queue.reclaim()));
    return reclaimed;
  } finally {
    clock.mockRestore();
  }
}

/** Claims the next job, or fails. */
export async function claim(queue: Queue, request: ClaimRequest = {}): Promise<Claim> {
  const result = await queue.claim(request);
  if (result.kind !== 'claimed') throw new Error(`nothing was claimed: ${JSON.stringify(result)}`);
  return result.claim;
}

/** Claims until nothing is left, and keeps the claims. `within`: ms. */
export async function claimEverything(queue: Queue, within = 20_000): Promise<Claim[]> {
  const claims: Claim[] = [];
  const end = performance.now() + within;
  while (performance.now() < end) {
    const result = await queue.claim({});
    if (result.kind === 'exhausted') return claims;
    // The answer may be "waiting" because another handle uses the queue at this moment.
    if (result.kind === 'claimed') claims.push(result.claim);
  }
  throw new Error(`after ${within} ms there is still something to claim; claimed so far: ${claims.length}`);
}

/** Runs the queue to its end alone; every job succeeds. */
export async function finishEverything(queue: Queue): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let result = await queue.claim({}); result.kind === 'claimed'; result = await queue.claim({})) {
    jobs.push(result.claim.job);
    await result.claim.finish({ state: 'd' });
  }
  return jobs;
}

export async function jobsOf(queue: Queue, selection: Selection = {}): Promise<Job[]> {
  return await flattened(queue.jobs(selection));
}

export async function planOf(queue: Queue, request: ClaimRequest = {}): Promise<Job[]> {
  return await flattened(queue.plan(request));
}

export async function holdersOf(queue: Queue, selection?: Selection): Promise<Job['holder'][]> {
  return (await jobsOf(queue, selection)).map(job => job.holder);
}

async function flattened(batches: AsyncIterable<readonly Job[]>): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const batch of batches) jobs.push(...batch);
  return jobs;
}

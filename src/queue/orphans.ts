import { RunmakerError } from '../errors.js';
import type { Job } from '../job/job.js';
import { State } from '../job/state.js';
import type { Queue } from './queue.js';

/** The orphans: jobs in a running state without presence. None if the queue cannot tell. */
export async function findOrphans(queue: Queue): Promise<Job[]> {
  const orphans: Job[] = [];
  if (!queue.capabilities.presence) return orphans;
  const { running, claimed } = await queue.counts();
  if (running + claimed === 0) return orphans;
  for await (const jobs of queue.jobs({ states: [State.running, State.claimed] })) {
    for (const job of jobs) if (job.holder === 'absent') orphans.push(job);
  }
  return orphans;
}

/**
 * The same for callers that can wait; undefined when the queue cannot be reached now. Callers that need the answer deal with that
 * themselves, with more patience.
 */
export async function findOrphansNow(queue: Queue): Promise<Job[] | undefined> {
  try {
    return await findOrphans(queue);
  } catch (error) {
    if (error instanceof RunmakerError && error.code === 'queue') return undefined;
    throw error;
  }
}

/** "line 3", "lines 3, 5 and 9", "lines 3, 5, 9 and 20 more"; "job" where jobs are not lines. */
export function nameJobs(jobs: readonly Named[]): string {
  const what = jobs.every(({ number }) => number !== undefined) ? 'line' : 'job';
  const ids = jobs.map(({ id }) => id);
  if (ids.length === 1) return `${what} ${ids[0]}`;
  const shown = ids.slice(0, SHOWN);
  const rest = ids.length - shown.length;
  if (rest > 0) return `${what}s ${shown.join(', ')} and ${rest} more`;
  return `${what}s ${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** The message before another look at such jobs, in `ms` milliseconds. */
export function doubtNotice(jobs: readonly Named[], ms: number): { readonly message: string; readonly hint: string } {
  return {
    message: `${nameJobs(jobs)} ${jobs.length === 1 ? 'seems' : 'seem'} to be orphaned; looking again in ${Math.round(ms / 1000)} s`,
    hint: 'within this time whoever runs it shows presence again, should the file have just been edited or its server have been away',
  };
}

const SHOWN = 10;

type Named = Pick<Job, 'id' | 'number'>;

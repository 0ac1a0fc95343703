import { RunmakerError } from '../../errors.js';
import { LIST_FILES, type Lists } from './lists.js';

/**
 * Chooses a job while no other worker can: one of the lists, or any other. Returns null when there are no more. A job that is not in `jobs`
 * may be chosen too.
 */
export type Choose = (lists: Lists) => string | null | Promise<string | null>;

/** Chooses the first job of jobs.txt. */
export function queueJobs(): Choose {
  return lists => jobsIn(lists)[0] ?? null;
}

/**
 * Chooses any job of jobs.txt.
 * @param random a number from 0 up to, not including, 1
 */
export function randomJobs(random: () => number = Math.random): Choose {
  return lists => {
    const jobs = jobsIn(lists);
    return jobs[Math.floor(random() * jobs.length)] ?? null;
  };
}

function jobsIn({ jobs, noJobsFile }: Lists): readonly string[] {
  if (!noJobsFile) return jobs;
  throw new RunmakerError('input', `there is no ${LIST_FILES.jobs} in the repository`, {
    hint: 'commit one, a job a line; the other lists are made when they are needed',
  });
}

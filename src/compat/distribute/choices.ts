import type { Lists } from './lists.js';

/**
 * Chooses a job, while nobody else can: from what is there, or by asking whoever knows. Returns null when there are no more. A job that
 * is not in `jobs` may be chosen as well.
 */
export type Choose = (lists: Lists) => string | null | Promise<string | null>;

/** Chooses the first job of jobs.txt. */
export function queueJobs(): Choose {
  return ({ jobs }) => jobs[0] ?? null;
}

/**
 * Chooses any job of jobs.txt.
 * @param random a number from 0 up to, not including, 1
 */
export function randomJobs(random: () => number = Math.random): Choose {
  return ({ jobs }) => jobs[Math.floor(random() * jobs.length)] ?? null;
}

/** The variables with which gitrunner is set up. Each function reads one; undefined when it is not set. */
import { RunmakerError } from '../../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** SLEEP_TIME, in seconds there: how long to wait between two looks, in ms. @throws RunmakerError `usage` when it is no number */
export function sleepTime(environment: Environment): number | undefined {
  const text = environment.SLEEP_TIME;
  if (text === undefined || text === '') return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  throw new RunmakerError('usage', `SLEEP_TIME=${JSON.stringify(text)} in the environment: a number of seconds is wanted`);
}

/** MAX_ATTEMPTS: after how many looks without work a runner leaves. @throws RunmakerError `usage` when it is no such number */
export function maxAttempts(environment: Environment): number | undefined {
  return countIn(environment, 'MAX_ATTEMPTS');
}

/** MAX_JOB_ATTEMPTS: how often a job is run before it counts as failed. @throws RunmakerError `usage` when it is no such number */
export function maxJobAttempts(environment: Environment): number | undefined {
  return countIn(environment, 'MAX_JOB_ATTEMPTS');
}

/** RESULTS_DIR: a folder of the repository, relative to its top or absolute. */
export function resultsDir(environment: Environment): string | undefined {
  return environment.RESULTS_DIR || undefined;
}

/** JOBS_QUEUE_FILE: the queue's file, relative to the top of the repository or absolute. */
export function jobsQueueFile(environment: Environment): string | undefined {
  return environment.JOBS_QUEUE_FILE || undefined;
}

/** GIT_USER_NAME and GIT_USER_EMAIL: the author of commits. */
export function gitUser(environment: Environment): { readonly name: string | undefined; readonly email: string | undefined } {
  return { name: environment.GIT_USER_NAME || undefined, email: environment.GIT_USER_EMAIL || undefined };
}

function countIn(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1) return count;
  throw new RunmakerError('usage', `${name}=${JSON.stringify(text)} in the environment: a whole number from 1 is wanted`);
}

import type { DirectiveProblem, Directives } from './directives.js';
import type { State } from './state.js';

/** One entry of a queue that can be run. */
export interface Job {
  /** Names the job in its queue. Where jobs are lines it is the line number in decimal. */
  readonly id: string;
  /** Line number, from 1, as an editor shows it; absent where jobs are not lines. */
  readonly number?: number | undefined;
  /** Position among the jobs, from 1, as runmaker4's log file and TCP protocol count; absent where jobs are not lines. */
  readonly ordinal?: number | undefined;
  /** Byte offset of the line in its file, which is runmaker4's job id; absent where there is no file. */
  readonly offset?: number | undefined;
  readonly state: State;
  /** The command, byte for byte as in the line: with directives, without line end. */
  readonly command: Buffer;
  readonly directives: Directives;
  /** Why the directives are unreadable. Such a job is left alone. */
  readonly problem?: DirectiveProblem | undefined;
  /**
   * For a job in state `r` or `?`: whether its owner proves to be alive.
   * Undefined for other states, and where the queue cannot tell.
   */
  readonly holder?: 'present' | 'absent' | undefined;
}

/** A job whose place among the others is known. */
export interface NumberedJob extends Job {
  readonly number: number;
}

/** A job that is a line of a file. */
export interface LineJob extends NumberedJob {
  readonly ordinal: number;
  readonly offset: number;
}

/** Whether a job is a line of a file. */
export function isLine(job: Job): job is LineJob {
  return job.number !== undefined && job.ordinal !== undefined && job.offset !== undefined;
}

/**
 * The job as a line, for code that serves queues of lines only.
 * @throws Error when it is none
 */
export function asLine(job: Job): LineJob {
  if (isLine(job)) return job;
  throw new Error(`job ${job.id} is not a line of a file`);
}

/**
 * Position among the jobs, from 1.
 * @throws Error in queues that have none
 */
export function ordinalOf(job: Job): number {
  if (job.ordinal !== undefined) return job.ordinal;
  throw new Error(`job ${job.id} has no position`);
}

/** A job's name in messages: "line 3" or "job 4f0c…". */
export function nameOfJob({ id, number }: Pick<Job, 'id' | 'number'>): string {
  return number === undefined ? `job ${id}` : `line ${number}`;
}

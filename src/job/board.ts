import type { Directives } from './directives.js';

/**
 * All that decides which job may run: the states, and what the lines say about order and needs.
 * Lines are counted from 1. States are bytes; 0 (`NOT_A_JOB`) stands for lines that are no jobs.
 */
export interface Board {
  readonly lineCount: number;
  stateAt(line: number): number;
  /** No job above this line is new: where to begin looking for one. */
  readonly firstNew: number;
  /** All jobs above this line are done. */
  readonly firstUndone: number;
  /** Line numbers of the barriers, ascending. */
  readonly barriers: readonly number[];
  /** Only the jobs that say something readable. */
  readonly directives: ReadonlyMap<number, Directives>;
  readonly dependents: Dependents;
  /** The lines with a priority other than 0, those to be looked at first leading. */
  readonly prioritised: readonly number[];
  /** No job before this place in `prioritised` is new. */
  readonly firstPrioritised: number;
  /** Whether the line waits by `after` for a job that is not done. */
  waits(line: number): boolean;
  /** The first line from `from` on that has this state and waits for nothing; behind the last line if there is none. */
  nextOpen(state: number, from: number): number;
  /** Lines that wait by `after` for a job in hand: the first place to look for jobs that may become ready. */
  awaiting(): Iterable<number>;
  /** Whether a job is left alone, because what it says cannot be read or can never come true. */
  isUnusable(line: number): boolean;
}

/**
 * The lines that wait for others by `after`, and for which; each stands behind all that it waits for. A number below 0
 * stands for a name that several jobs have: it waits for them all.
 */
export type Dependents = ReadonlyMap<number, readonly number[]>;

import type { Transaction } from './transaction.js';

/** What goes into one commit: ends and claims of jobs together, all that is appended together, anything else alone. */
export type Family = 'jobs' | 'append' | 'alone';

/** Something that a caller wants done. What it decides holds once the draft is pushed, and is decided anew if somebody was faster. */
export interface ChangeRequest<T> {
  readonly family: Family;
  /** Whether it asks who is present. */
  readonly leases?: boolean;
  /** Whether it has to be done in the end: a result that would be lost otherwise. */
  readonly precious?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Whether it brings files, which the remote may refuse though it takes the state. */
  readonly heavy?: boolean;
  /** @param refusal why the remote does not take its files: they stay out */
  decide(draft: Transaction, refusal?: string): T;
  /** What follows when it is so: told before the next errand is decided. */
  settled?(answer: T): void;
}

/** An errand that waits to be done: since when, and who waits for it. */
export interface Task {
  readonly errand: ChangeRequest<unknown>;
  readonly at: number;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
  /** Whether it goes into a commit of its own: something that was to go along was refused. */
  apart?: boolean;
  /** Why the remote does not take its files. */
  refusal?: string | undefined;
}

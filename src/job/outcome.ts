import type { FinalState } from './state.js';

/** How a started job ended. */
export type Exit =
  | { readonly kind: 'exited'; readonly code: number }
  /** `signal`: its number, 9 for KILL. */
  | { readonly kind: 'signalled'; readonly signal: number }
  /** Its executor ended it because of what it did, such as exceeding its memory. The job failed. */
  | { readonly kind: 'killed'; readonly reason: string }
  /**
   * It is gone and its exit is unknown: its container was removed, its node went down. The job is an error. `retry`: it ended through no
   * fault of its own, and may be started again.
   */
  | { readonly kind: 'lost'; readonly reason: string; readonly retry?: true };

/** The outcome of a job as reported to a queue. Only the state is always known. */
export interface JobOutcome {
  readonly state: FinalState;
  /** How its last attempt ended; absent when it could not be started. */
  readonly exit?: Exit | undefined;
  /** Of its last attempt, in ms since 1970. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** Name of the host whose runner ran it. */
  readonly host?: string | undefined;
  /** Where it ran, in its executor's terms. */
  readonly handle?: string | undefined;
  /** Why it could not be started. */
  readonly message?: string | undefined;
}

/** The exit status in a shell's form: 128 + n for a process ended by signal n; undefined if there is none. */
export function exitStatusOf(exit: Exit | undefined): number | undefined {
  if (exit?.kind === 'exited') return exit.code;
  return exit?.kind === 'signalled' ? 128 + exit.signal : undefined;
}

import type { Transaction } from './transaction.js';

/** Which requests share a commit: claims and ends of jobs with each other, appends with each other, all others with none. */
export type RequestKind = 'jobs' | 'append' | 'alone';

/** A caller's change. Applied to a transaction, and applied again if another runner pushed first. */
export interface ChangeRequest<T> {
  readonly kind: RequestKind;
  /** Whether it depends on which owners are alive. */
  readonly needsLeases?: boolean;
  /** Whether it claims jobs, and so takes turns with other runners. */
  readonly claims?: boolean;
  /** Whether it ends a claim: the result of a job would be lost without it. */
  readonly endsClaim?: boolean;
  /** Whether it brings files, which the remote may refuse while it accepts the state. */
  readonly carriesFiles?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** @param filesRefused why the remote refuses this request's files: they stay out of the commit */
  apply(transaction: Transaction, filesRefused?: string): T;
}

/** A request that waits for its commit, and its caller. */
export interface PendingRequest {
  readonly request: ChangeRequest<unknown>;
  /** When it was made, by performance.now(). */
  readonly since: number;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
  /** Whether it gets its own commit, because a push with several was refused. */
  isolated?: boolean;
  filesRefused?: string | undefined;
}

import { randomBytes } from 'node:crypto';
import type { Job } from '../../../job/job.js';
import type { SetResult } from '../../../queue/queue.js';
import { ClaimRegistry } from './claim-registry.js';
import { IdempotencyCache } from './idempotency-cache.js';

/** What a change that a client has asked for came to. It must not be made twice. */
export type Change =
  | { readonly kind: 'appended' }
  | { readonly kind: 'set'; readonly result: SetResult }
  | { readonly kind: 'reclaimed'; readonly jobs: readonly Job[] };

/** What a session needs of the connection over which its client is heard. */
export interface SessionConnection {
  /** Address of the client. */
  readonly peer: string;
  /** Ends the connection: the client is heard over another one, or the server closes. */
  supersede(): void;
}

/** One client, over as many connections as it takes. */
export class Session {
  /** Tells it from an earlier or later session of the same client. */
  readonly id = randomBytes(8).toString('hex');
  readonly claims = new ClaimRegistry();
  /** Changes that were made, by the ids of the requests. */
  readonly changes = new IdempotencyCache<Change>();
  /** Settles when it is known what has become of the claims that the client brought along. */
  recovery: Promise<void> | undefined;
  /** The connection that the client is heard over now. */
  connection: SessionConnection | undefined;
  /** Stops the clock that runs while the client is away. */
  cancelExpiry: () => void = () => undefined;

  /** @param name of the client, for the log */
  constructor(
    readonly client: string,
    readonly name: string,
  ) {}

  /** See `IdempotencyCache`. */
  mark(): void {
    this.claims.mark();
    this.changes.mark();
  }

  confirm(): void {
    this.claims.confirm();
    this.changes.confirm();
  }

  unmark(): void {
    this.claims.unmark();
    this.changes.unmark();
  }
}

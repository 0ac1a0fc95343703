import { randomBytes } from 'node:crypto';
import type { Job } from '../../../job/job.js';
import type { Claim, FinishResult, SetResult } from '../../../queue/queue.js';
import type { Connection } from '../connections/connection.js';
import { IdempotencyCache } from './idempotency-cache.js';

/** What was done for a client and must not be done twice. */
export type Deed =
  | { readonly kind: 'appended' }
  | { readonly kind: 'set'; readonly result: SetResult }
  | { readonly kind: 'reclaimed'; readonly jobs: readonly Job[] };

/** One client, over as many connections as it takes. */
export class Session {
  /** Tells it from one that the same client had before, or will have. */
  readonly id = randomBytes(8).toString('hex');
  /** By the ids of the requests that they answered. */
  readonly claims = new Map<number, Claim>();
  /** What came of claims that have ended, for as long as the client may ask again. */
  readonly ended = new IdempotencyCache<FinishResult>();
  /**
   * What had become of claims that the client brought along when it came. Found out once: it is told with each welcome until the client
   * lists them no more, and so has heard of it.
   */
  readonly verdicts = new Map<number, FinishResult>();
  /** Settles when that was found out. */
  meeting: Promise<void> | undefined;
  /** By the ids of the requests. */
  readonly deeds = new IdempotencyCache<Deed>();
  /** The connection that it is heard over now. */
  conversation: Connection | undefined;
  /** When the client's time is up, while it is away. */
  lapse: NodeJS.Timeout | undefined;

  /** @param name of the client, for the log */
  constructor(
    readonly client: string,
    readonly name: string,
  ) {}

  /** Something was sent whose answer will show that all before it has arrived. */
  mark(): void {
    this.ended.mark();
    this.deeds.mark();
  }

  confirm(): void {
    this.ended.confirm();
    this.deeds.confirm();
  }

  unmark(): void {
    this.ended.unmark();
    this.deeds.unmark();
  }
}

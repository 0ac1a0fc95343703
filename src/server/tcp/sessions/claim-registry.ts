import type { Claim, FinishResult } from '../../../queue/queue.js';
import type { Welcome } from '../../../wire/messages.js';
import type { Recovered } from './claim-recovery.js';
import { IdempotencyCache } from './idempotency-cache.js';
import { type HeldClaim, placeOfJob } from './place.js';

/** What a client is told about the claims that it lists when it comes. */
export type ClaimReport = Pick<Welcome, 'lost' | 'ended'>;

const UNKNOWN: FinishResult = { kind: 'refused', reason: 'the server does not know of the claim' };

/** All claims of one client, by the ids of the requests that they answered. */
export class ClaimRegistry {
  private readonly open = new Map<number, HeldClaim>();
  /** How claims have ended, for as long as the client may ask again. */
  private readonly results = new IdempotencyCache<FinishResult>();
  /**
   * What had become of claims that the client brought along when it came. Looked up once, and reported with each welcome until the client
   * lists them no more, and so has heard of it.
   */
  private readonly settled = new Map<number, FinishResult>();

  /** How many are open. */
  get size(): number {
    return this.open.size;
  }

  get(id: number): Claim | undefined {
    return this.open.get(id)?.claim;
  }

  add(id: number, claim: Claim): void {
    this.open.set(id, { claim, place: '' });
  }

  /** Ends a claim with `conclude`, or answers as before if it has ended. */
  async end(id: number, conclude: (claim: Claim) => Promise<FinishResult>): Promise<FinishResult> {
    const held = this.open.get(id);
    if (held === undefined && !this.results.has(id)) return this.settled.get(id) ?? UNKNOWN;
    return await this.results.once(
      id,
      () => {
        if (held === undefined) return Promise.resolve(UNKNOWN);
        this.open.delete(id);
        return conclude(held.claim);
      },
      result => result,
    );
  }

  /** Takes out all open claims. */
  takeAll(): HeldClaim[] {
    const all = [...this.open.values()].map(withPlace);
    this.open.clear();
    return all;
  }

  /** Takes out the open claims that the client does not list, one after the other: it never heard of them. */
  *takeUnlisted(listed: ReadonlySet<number>): Generator<Claim> {
    for (const [id, { claim }] of [...this.open]) {
      if (listed.has(id)) continue;
      this.open.delete(id);
      yield claim;
    }
  }

  /** Whether it is known what has become of a claim that the client brought along. */
  knows(id: number): boolean {
    return this.open.has(id) || this.settled.has(id);
  }

  /** Notes what has become of a claim that the client brought along. */
  recover(id: number, recovered: Recovered, place: string): void {
    if (recovered.kind === 'held') this.open.set(id, { claim: recovered.claim, place });
    else if (recovered.kind === 'ended') this.settled.set(id, { kind: 'recorded' });
    else this.settled.set(id, { kind: 'refused', reason: recovered.reason });
  }

  /** Compares the claims that the client lists with those that are known. */
  report(listed: ReadonlySet<number>): ClaimReport {
    const lost: ClaimReport['lost'] = [];
    const ended: number[] = [];
    for (const id of this.settled.keys()) if (!listed.has(id)) this.settled.delete(id);
    for (const id of listed) {
      const result = this.settled.get(id);
      if (result?.kind === 'recorded') ended.push(id);
      else if (result) lost.push({ id, reason: result.reason });
      else if (!this.open.has(id) && !this.results.has(id)) lost.push({ id, reason: 'the server does not know of it' });
    }
    return { lost, ended };
  }

  /** See `IdempotencyCache`. */
  mark(): void {
    this.results.mark();
  }

  confirm(): void {
    this.results.confirm();
  }

  unmark(): void {
    this.results.unmark();
  }
}

/** The place of a job that this server has given out is looked up when it counts: a digest costs more than a claim should. */
function withPlace({ claim, place }: HeldClaim): HeldClaim {
  return { claim, place: place || placeOfJob(claim.job) };
}

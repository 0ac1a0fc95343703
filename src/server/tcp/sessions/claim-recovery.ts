import { setImmediate as othersTurn } from 'node:timers/promises';
import { commandDigest } from '../../../job/command-digest.js';
import { asLine } from '../../../job/job.js';
import type { Claim, Queue } from '../../../queue/queue.js';
import type { OpenClaim } from '../../../wire/messages.js';
import { type HeldClaim, placeOf, placeOfJob } from './place.js';

/** What has become of a claim that a client brings along. */
export type Recovered =
  | { readonly kind: 'held'; readonly claim: Claim }
  /** The state that the client wanted had been written before the server was started again. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly reason: string };

/** So many claims are looked up at a time, before other clients get their turn. */
const BATCH = 100;

/**
 * Recovers the claims of a server that was started again: lines in state `r` that nobody holds may belong to clients that are about to come
 * back. They are held during the grace, so that no runner takes them for orphans.
 */
export class ClaimRecovery {
  /** By place. */
  private readonly held = new Map<string, Claim>();

  private constructor(
    private readonly queue: Queue,
    claims: readonly Claim[],
  ) {
    for (const claim of claims) this.held.set(placeOfJob(claim.job), claim);
  }

  static async find(queue: Queue): Promise<ClaimRecovery> {
    return new ClaimRecovery(queue, (await queue.adopt?.()) ?? []);
  }

  get size(): number {
    return this.held.size;
  }

  /**
   * Looks up the claims that a client lists, with one pass over the queue for all of them.
   * @param found is told of each as soon as it is known
   * @param checkWanted is called again and again, and throws when the client has left
   */
  async recover(claims: readonly OpenClaim[], found: (claim: OpenClaim, what: Recovered) => void, checkWanted: () => void): Promise<void> {
    const elsewhere = new Map<number, OpenClaim[]>();
    for (const wanted of claims) {
      const claim = this.take(placeOf(wanted));
      if (claim) found(wanted, { kind: 'held', claim });
      else addTo(elsewhere, wanted.offset, wanted);
    }
    if (elsewhere.size === 0) return;
    for await (const jobs of this.queue.jobs({ offsets: [...elsewhere.keys()] })) {
      for (const { offset, command, state } of jobs.map(asLine)) {
        const print = commandDigest(command);
        const moved: OpenClaim[] = [];
        for (const wanted of elsewhere.get(offset) ?? []) {
          if (wanted.print !== print) moved.push(wanted);
          else if (wanted.ending === state) found(wanted, { kind: 'ended' });
          else found(wanted, { kind: 'lost', reason: `the line is in state "${state}" by now, and no longer this runner's` });
        }
        elsewhere.set(offset, moved);
      }
      await othersTurn();
      checkWanted();
    }
    // Another line stands at their offset: an editor has moved them. Lines with the same command stand for each other.
    const byPrint = this.byPrint();
    for (const [at, wanted] of [...elsewhere.values()].flat().entries()) {
      if (at % BATCH === BATCH - 1) {
        await othersTurn();
        checkWanted();
      }
      const claim = this.takeNearest(byPrint.get(wanted.print) ?? [], wanted.number);
      found(wanted, claim ? { kind: 'held', claim } : { kind: 'lost', reason: 'its line was changed or removed while the job ran' });
    }
  }

  /** Takes the claim of the job with this number, counted over jobs. */
  takeOrdinal(ordinal: number): Claim | undefined {
    const place = this.placeOfOrdinal(ordinal);
    return place === undefined ? undefined : this.take(place);
  }

  /** Whether `takeOrdinal` would find a claim. */
  hasOrdinal(ordinal: number): boolean {
    return this.placeOfOrdinal(ordinal) !== undefined;
  }

  /** Takes the claims that no client has come back for. */
  takeRest(): HeldClaim[] {
    const rest = [...this.held].map(([place, claim]) => ({ place, claim }));
    this.held.clear();
    return rest;
  }

  private take(place: string): Claim | undefined {
    const claim = this.held.get(place);
    this.held.delete(place);
    return claim;
  }

  private placeOfOrdinal(ordinal: number): string | undefined {
    return [...this.held].find(([, { job }]) => job.ordinal === ordinal)?.[0];
  }

  private byPrint(): Map<string, string[]> {
    const places = new Map<string, string[]>();
    for (const [place, { job }] of this.held) addTo(places, commandDigest(job.command), place);
    return places;
  }

  /** Of these places, all of the same command, the nearest to a line whose claim is still held. */
  private takeNearest(places: readonly string[], number: number): Claim | undefined {
    const distance = (place: string): number => Math.abs(asLine((this.held.get(place) as Claim).job).number - number);
    let nearest: string | undefined;
    for (const place of places) {
      if (!this.held.has(place)) continue;
      if (nearest === undefined || distance(place) < distance(nearest)) nearest = place;
    }
    return nearest === undefined ? undefined : this.take(nearest);
  }
}

function addTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

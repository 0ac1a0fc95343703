import { setImmediate as othersTurn } from 'node:timers/promises';
import { commandDigest } from '../../../job/command-digest.js';
import { asLine } from '../../../job/job.js';
import type { Claim, Queue } from '../../../queue/queue.js';
import type { OpenClaim } from '../../../wire/messages.js';

/** What became of a claim that a client says it has. */
export type Recognised =
  | { readonly kind: 'held'; readonly claim: Claim }
  /** The state that the client wanted had been written before the server was started again. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly reason: string };

/** Why a claim is not its client's any more that was not heard for longer than the grace. */
export const GIVEN_UP = 'the server has given the job up: nothing was heard of this runner for longer than the grace';

/** So many claims are looked for at a time, before others get their turn. */
const BATCH = 100;

/** A claim that nobody has come back for yet. */
interface Held {
  readonly claim: Claim;
  readonly print: string;
}

/**
 * The claims that a server finds when it is started: lines in state `r` with nobody present may be those of clients who are on
 * their way back. They are held for a while, so that nobody else takes them for orphans.
 */
export class ClaimRecovery {
  /** By the places where they stand. */
  private readonly held = new Map<string, Held>();
  /**
   * Where those stood that nobody came back for in time. What these lines say from then on others have written: who comes later cannot
   * have ended them, even if the state there is the one it wants.
   */
  private readonly givenUp = new Set<string>();

  private constructor(
    private readonly queue: Queue,
    claims: readonly Claim[],
  ) {
    for (const claim of claims) {
      const held = { claim, print: commandDigest(claim.job.command) };
      this.held.set(placeIn(held), held);
    }
  }

  static async find(queue: Queue): Promise<ClaimRecovery> {
    return new ClaimRecovery(queue, (await queue.adopt?.()) ?? []);
  }

  get size(): number {
    return this.held.size;
  }

  /**
   * Looks for the claims that a client says it has, with one look through the queue for all of them.
   * @param found is told of each as soon as it is known
   * @param goOn asked again and again whether the client still wants to know; throws when it does not
   */
  async recognise(claims: readonly OpenClaim[], found: (id: number, what: Recognised) => void, goOn: () => void): Promise<void> {
    const elsewhere = new Map<number, OpenClaim[]>();
    for (const wanted of claims) {
      const place = placeOf(wanted);
      const held = this.held.get(place);
      if (held) {
        this.held.delete(place);
        found(wanted.id, { kind: 'held', claim: held.claim });
      } else if (this.givenUp.has(place)) found(wanted.id, { kind: 'lost', reason: GIVEN_UP });
      else addTo(elsewhere, wanted.offset, wanted);
    }
    if (elsewhere.size === 0) return;
    for await (const jobs of this.queue.jobs({ offsets: [...elsewhere.keys()] })) {
      for (const { offset, command, state } of jobs.map(asLine)) {
        const print = commandDigest(command);
        const others: OpenClaim[] = [];
        for (const wanted of elsewhere.get(offset) ?? []) {
          if (wanted.print !== print) others.push(wanted);
          else if (wanted.ending === state) found(wanted.id, { kind: 'ended' });
          else found(wanted.id, { kind: 'lost', reason: `the line is in state "${state}" by now, and no longer this runner's` });
        }
        elsewhere.set(offset, others);
      }
      await othersTurn();
      goOn();
    }
    // Other lines stand there by now: an editor has moved ours. Lines with the same command stand for each other.
    const byPrint = this.byPrint();
    for (const [at, wanted] of [...elsewhere.values()].flat().entries()) {
      if (at % BATCH === BATCH - 1) {
        await othersTurn();
        goOn();
      }
      const moved = this.takeNearest(byPrint.get(wanted.print) ?? [], wanted);
      found(
        wanted.id,
        moved ? { kind: 'held', claim: moved } : { kind: 'lost', reason: 'its line was changed or removed while the job ran' },
      );
    }
  }

  /** The claim of the job with this number, counted over jobs. */
  takeOrdinal(ordinal: number): Claim | undefined {
    const [place, found] = this.ofOrdinal(ordinal) ?? [];
    if (place !== undefined) this.held.delete(place);
    return found?.claim;
  }

  /** Whether `takeOrdinal` would find a claim. */
  hasOrdinal(ordinal: number): boolean {
    return this.ofOrdinal(ordinal) !== undefined;
  }

  /** Those that nobody came back for. */
  takeRest(): Claim[] {
    const rest = [...this.held.values()].map(({ claim }) => claim);
    for (const place of this.held.keys()) this.givenUp.add(place);
    this.held.clear();
    return rest;
  }

  private ofOrdinal(ordinal: number): [string, Held] | undefined {
    return [...this.held].find(([, { claim }]) => claim.job.ordinal === ordinal);
  }

  private byPrint(): Map<string, Held[]> {
    const all = new Map<string, Held[]>();
    for (const held of this.held.values()) addTo(all, held.print, held);
    return all;
  }

  /** Of those with the same command that are still held, the nearest. */
  private takeNearest(candidates: readonly Held[], { number }: OpenClaim): Claim | undefined {
    const distance = ({ claim }: Held): number => Math.abs(asLine(claim.job).number - number);
    let nearest: Held | undefined;
    for (const held of candidates) {
      if (!this.held.has(placeIn(held))) continue;
      if (nearest === undefined || distance(held) < distance(nearest)) nearest = held;
    }
    if (nearest) this.held.delete(placeIn(nearest));
    return nearest?.claim;
  }
}

function addTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function placeIn({ claim, print }: Held): string {
  return placeOf({ offset: asLine(claim.job).offset, print });
}

function placeOf({ offset, print }: Pick<OpenClaim, 'offset' | 'print'>): string {
  return `${offset} ${print}`;
}

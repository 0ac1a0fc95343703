import { printOf } from '../job/print.js';
import type { Claim, Queue } from '../queue/queue.js';
import type { OpenClaim } from '../wire/messages.js';

/** What became of a claim that a client says it has. */
export type Recognised =
  | { readonly kind: 'held'; readonly claim: Claim }
  /** The state that the client wanted had been written before the server was started again. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly reason: string };

/** Why a claim is not its client's any more that was not heard for longer than the grace. */
export const GIVEN_UP = 'the server has given the job up: nothing was heard of this runner for longer than the grace';

/**
 * The claims that a server finds when it is started: lines in state `r` with nobody present may be those of clients who are on
 * their way back. They are held for a while, so that nobody else takes them for orphans.
 */
export class Returning {
  private readonly held = new Map<Claim, string>();
  /**
   * Where those stood that nobody came back for in time. What these lines say from then on others have written: who comes later cannot
   * have ended them, even if the state there is the one it wants.
   */
  private readonly givenUp = new Set<string>();

  private constructor(
    private readonly queue: Queue,
    claims: readonly Claim[],
  ) {
    for (const claim of claims) this.held.set(claim, printOf(claim.job.command));
  }

  static async find(queue: Queue): Promise<Returning> {
    return new Returning(queue, (await queue.adopt?.()) ?? []);
  }

  get size(): number {
    return this.held.size;
  }

  /** Looks for the claim that a client says it has. */
  async recognise(wanted: OpenClaim): Promise<Recognised> {
    const inPlace = this.take(wanted, claim => claim.job.offset === wanted.offset);
    if (inPlace) return { kind: 'held', claim: inPlace };
    if (this.givenUp.has(placeOf(wanted))) return { kind: 'lost', reason: GIVEN_UP };
    for await (const jobs of this.queue.jobs({ offsets: [wanted.offset] })) {
      for (const { command, state } of jobs) {
        if (printOf(command) !== wanted.print) continue;
        if (state === wanted.ending) return { kind: 'ended' };
        return { kind: 'lost', reason: `the line is in state "${state}" by now, and no longer this runner's` };
      }
    }
    // Another line stands there by now: an editor has moved ours. Lines with the same command stand for each other.
    const moved = this.take(wanted, () => true);
    return moved ? { kind: 'held', claim: moved } : { kind: 'lost', reason: 'its line was changed or removed while the job ran' };
  }

  /** The claim of the job with this number, counted over jobs. */
  takeOrdinal(ordinal: number): Claim | undefined {
    const found = this.ofOrdinal(ordinal);
    if (found) this.held.delete(found);
    return found;
  }

  /** Whether `takeOrdinal` would find a claim. */
  hasOrdinal(ordinal: number): boolean {
    return this.ofOrdinal(ordinal) !== undefined;
  }

  /** Those that nobody came back for. */
  takeRest(): Claim[] {
    const rest = [...this.held.keys()];
    for (const [{ job }, print] of this.held) this.givenUp.add(placeOf({ offset: job.offset, print }));
    this.held.clear();
    return rest;
  }

  private ofOrdinal(ordinal: number): Claim | undefined {
    return [...this.held.keys()].find(claim => claim.job.ordinal === ordinal);
  }

  /** Of those with the same command that will do, the nearest. */
  private take({ print, number }: OpenClaim, willDo: (claim: Claim) => boolean): Claim | undefined {
    const distance = ({ job }: Claim): number => Math.abs(job.number - number);
    let nearest: Claim | undefined;
    for (const [claim, itsPrint] of this.held) {
      if (itsPrint !== print || !willDo(claim)) continue;
      if (nearest === undefined || distance(claim) < distance(nearest)) nearest = claim;
    }
    if (nearest) this.held.delete(nearest);
    return nearest;
  }
}

function placeOf({ offset, print }: Pick<OpenClaim, 'offset' | 'print'>): string {
  return `${offset} ${print}`;
}

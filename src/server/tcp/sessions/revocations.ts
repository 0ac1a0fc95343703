import { reason } from '../../../errors.js';
import type { ServerLog } from '../../log.js';
import type { Revocation, RevocationsFile } from './revocations-file.js';

/** Why a claim was taken from a client that was not heard for longer than the grace. */
export const GIVEN_UP = 'the server has given the job up: nothing was heard of this runner for longer than the grace';

/**
 * The claims that the server has taken from clients that were away for too long. The file cannot tell: another runner may have brought
 * the line into just the state that the late client reports.
 *
 * A claim is given out with the current fence, a number that grows with every revocation. It is revoked if its place was revoked at a
 * greater fence than its own: so that a later claim of the same line is valid, also in the eyes of a server that was started again.
 */
export class Revocations {
  private readonly fences = new Map<string, number>();
  private last: number;

  /**
   * @param file keeps them over restarts of the server; without one they are known to this server only
   * @param now in ms since 1970: where a file was lost, fences still grow
   */
  constructor(
    private readonly log: ServerLog,
    private readonly file?: RevocationsFile,
    private readonly now: () => number = Date.now,
  ) {
    for (const { place, fence } of this.read()) this.fences.set(place, fence);
    this.last = Math.max(now(), ...this.fences.values());
  }

  /** For claims that are given out now. */
  get fence(): number {
    return this.last;
  }

  /** Revokes all claims of these places that were given out so far. Settles when that is on the disk. */
  async add(places: readonly string[]): Promise<void> {
    if (places.length === 0) return;
    this.last = Math.max(this.last + 1, this.now());
    const added = places.map(place => ({ place, fence: this.last }));
    for (const { place, fence } of added) this.fences.set(place, fence);
    try {
      await this.file?.append(added);
    } catch (error) {
      this.warn(error);
    }
  }

  /** Whether a claim was revoked. @param fence that it was given out with */
  includes(place: string, fence: number): boolean {
    return fence < (this.fences.get(place) ?? Number.NEGATIVE_INFINITY);
  }

  private read(): Revocation[] {
    try {
      return this.file?.read() ?? [];
    } catch (error) {
      this.warn(error);
      return [];
    }
  }

  private warn(error: unknown): void {
    this.log.warn(
      `${this.file?.path}: ${reason(error)}; late results of jobs that were given up may be taken by a server that is started again`,
    );
  }
}

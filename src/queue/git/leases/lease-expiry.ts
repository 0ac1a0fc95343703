import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Lease } from './lease.js';

/** A lease as a remote has it now. */
export interface SeenLease {
  /** The name of its ref. */
  readonly ref: string;
  /** The commit, another one after each renewal. */
  readonly commit: string;
  /** The commit beside it, if it is renewed there. */
  readonly beat?: string | undefined;
  readonly lease: Lease;
}

/** A lease that holds, and the longest it will without a sign of life, in ms, if it is looked at often enough. */
export interface LiveLease extends SeenLease {
  readonly left: number;
}

/** Clocks of this observer, in ms: `steady` never jumps, `wall` goes on over restarts. */
export interface Clocks {
  steady(): number;
  wall(): number;
}

const CLOCKS: Clocks = { steady: () => performance.now(), wall: () => Date.now() };

/** Observations of a lease. Times in ms. */
interface Sighting {
  /** Its commits. A change means a renewal. */
  readonly sign: string;
  /** How long it has been the same. */
  readonly unchanged: number;
  /** When it was looked at last. */
  readonly at: number;
}

/**
 * The time between two looks counts for at most this part of a lease. The remote may have been unreachable meanwhile: a runner that could
 * not renew its lease gets time to do so before the next look.
 */
export const LONGEST_SPAN = 1 / 2;

/**
 * Tells which leases have run out: by this observer's clock alone, those that have not changed for their whole duration. Observations are
 * saved, so that short-lived programs know what their predecessors saw.
 */
export class LeaseExpiry {
  /** By the steady clock. */
  private readonly sightings = new Map<string, Sighting>();

  /** @param notes path of the file where sightings are written down, by the wall clock */
  constructor(
    private readonly notes: string,
    private readonly clocks: Clocks = CLOCKS,
  ) {}

  /** Takes a look at all leases of the remote, and parts them. */
  async part(leases: readonly SeenLease[]): Promise<{ readonly alive: LiveLease[]; readonly expired: SeenLease[] }> {
    const now = this.clocks.steady();
    const wall = this.clocks.wall();
    const earlier = await this.read();
    const notes: Record<string, Sighting> = {};
    const alive: LiveLease[] = [];
    const expired: SeenLease[] = [];
    for (const seen of leases) {
      const { ref, commit, beat, lease } = seen;
      const sign = beat === undefined ? commit : `${commit} ${beat}`;
      const longest = lease.duration * LONGEST_SPAN;
      const unchanged =
        unchangedSince(this.sightings.get(ref), sign, now, longest) ?? unchangedSince(earlier[ref], sign, wall, longest) ?? 0;
      this.sightings.set(ref, { sign, unchanged, at: now });
      notes[ref] = { sign, unchanged, at: wall };
      const left = lease.duration - unchanged;
      if (left <= 0) expired.push(seen);
      else alive.push({ ...seen, left });
    }
    for (const ref of this.sightings.keys()) if (!(ref in notes)) this.sightings.delete(ref);
    await this.write(notes);
    return { alive, expired };
  }

  private async read(): Promise<Record<string, Sighting>> {
    try {
      return JSON.parse(await readFile(this.notes, 'utf8')) as Record<string, Sighting>;
    } catch {
      return {};
    }
  }

  /** A failure to save only delays detection. */
  private async write(notes: object): Promise<void> {
    const draft = `${this.notes}.${process.pid}`;
    try {
      await writeFile(draft, JSON.stringify(notes));
      await rename(draft, this.notes);
    } catch {
      return;
    }
  }
}

function unchangedSince(before: Sighting | undefined, sign: string, now: number, longest: number): number | undefined {
  return before?.sign === sign ? before.unchanged + Math.min(Math.max(now - before.at, 0), longest) : undefined;
}

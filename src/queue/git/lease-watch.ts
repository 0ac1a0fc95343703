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

/** Clocks of this observer, in ms: `steady` never jumps, `wall` goes on over restarts. */
export interface Clocks {
  steady(): number;
  wall(): number;
}

const CLOCKS: Clocks = { steady: () => performance.now(), wall: () => Date.now() };

/**
 * Tells whose lease has run out: by this observer's clock alone, those that have not changed for as long as they hold. What was seen
 * is written down, so that programs which come and go know what their predecessors saw.
 */
export class LeaseWatch {
  /** Since when each was seen unchanged, by the steady clock. */
  private readonly since = new Map<string, { readonly commit: string; readonly at: number }>();

  /** @param notes path of the file where sightings are written down */
  constructor(
    private readonly notes: string,
    private readonly clocks: Clocks = CLOCKS,
  ) {}

  /** Takes a look at all leases of the remote, and parts them. */
  async part(leases: readonly SeenLease[]): Promise<{ readonly alive: SeenLease[]; readonly expired: SeenLease[] }> {
    const now = this.clocks.steady();
    const wall = this.clocks.wall();
    const earlier = await this.read();
    const notes: Record<string, { commit: string; at: number }> = {};
    const alive: SeenLease[] = [];
    const expired: SeenLease[] = [];
    for (const seen of leases) {
      const { ref, lease } = seen;
      const commit = [seen.commit, seen.beat].join(' ').trim();
      const noted = earlier[ref]?.commit === commit ? Math.min(earlier[ref].at, wall) : wall;
      const known = this.since.get(ref);
      const at = known?.commit === commit ? known.at : now - (wall - noted);
      this.since.set(ref, { commit, at });
      notes[ref] = { commit, at: Math.round(wall - (now - at)) };
      (now - at > lease.duration ? expired : alive).push(seen);
    }
    for (const ref of this.since.keys()) if (!(ref in notes)) this.since.delete(ref);
    await this.write(notes);
    return { alive, expired };
  }

  private async read(): Promise<Record<string, { commit: string; at: number }>> {
    try {
      return JSON.parse(await readFile(this.notes, 'utf8')) as Record<string, { commit: string; at: number }>;
    } catch {
      return {};
    }
  }

  /** What cannot be written down is only seen later. */
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

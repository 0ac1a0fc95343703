/** Stand-ins for the leases of programs that keep none, such as gitrunner: each of their jobs counts as leased while it does not change. */
import type { BranchStore } from '../branch/branch-store.js';
import type { DocumentJob } from '../documents/document.js';
import { hashOf, isInHand, type Lease, leasedLines } from './lease.js';
import type { SeenLease } from './lease-expiry.js';
import { rowsOf } from './row-tracking.js';

/** How many ranges fit on a command line. */
const AT_ONCE = 500;

export class SilentLeases {
  private changes: { readonly key: string; readonly commits: ReadonlyMap<number, string> } | undefined;

  /** @param duration how long a job counts as leased that does not change, in ms */
  constructor(
    private readonly store: BranchStore,
    private readonly duration: number,
  ) {}

  /** A lease for each running job that none of these leases names. None where every program keeps leases. */
  async beside(leases: readonly Lease[]): Promise<SeenLease[]> {
    const { document } = this.store.now;
    if (document?.silent === undefined) return [];
    const leased = leasedLines(document.jobs, leases);
    const jobs = document.jobs.filter(({ state, number }) => isInHand(state) && !leased.has(number));
    if (jobs.length === 0) return [];
    const changes = await this.lastChanges(jobs.map(({ number }) => number));
    const rows = rowsOf(document);
    return jobs.map(job => this.leaseFor(job, rows.rowOf(job).rank, changes.get(job.number)));
  }

  private leaseFor({ number, key, state }: DocumentJob, rank: number, changed: string | undefined): SeenLease {
    const queue = this.store.title;
    const lease = { queue, duration: this.duration, rows: [{ number, hash: hashOf(key) }] };
    return { ref: `${queue} ${hashOf(`${rank} ${key}`)}`, commit: changed ?? state, lease };
  }

  /** The last commits to change these lines: they distinguish a job that was done and started again from one that still runs. */
  private async lastChanges(lines: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const { commit } = this.store.now;
    const key = `${commit} ${lines.join(',')}`;
    if (this.changes?.key !== key) {
      const commits = new Map<number, string>();
      for (let from = 0; from < lines.length; from += AT_ONCE) {
        const ranges = lines.slice(from, from + AT_ONCE).map(line => `-L${line},${line}`);
        const { stdout } = await this.store.remote.git.attempt(['blame', '--porcelain', ...ranges, commit, '--', this.store.file]);
        const found = stdout.toString('latin1').matchAll(/^([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?$/gm);
        for (const [, name, line] of found) commits.set(Number(line), name as string);
      }
      this.changes = { key, commits };
    }
    return this.changes.commits;
  }
}

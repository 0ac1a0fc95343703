/**
 * leases/ says which claims still hold: this runner's claims and where their rows are, the leases of all runners, and when those expire.
 */
import type { BranchStore } from '../branch/branch-store.js';
import type { DocumentJob } from '../documents/document.js';
import type { RefChange } from '../plumbing/remote.js';
import { beatOf, hashOf, isInHand, type Lease, leasedLines, parseLease } from './lease.js';
import { LeaseExpiry, type LiveLease, LONGEST_SPAN, type SeenLease } from './lease-expiry.js';
import type { OwnedClaims } from './owned-claims.js';
import { SilentLeases } from './silent-leases.js';

/**
 * How long, in ms, a running job must be seen without a lease before that counts. Git changes the refs of one push together, but shows them
 * one after the other: a reader in between sees the claim without the lease that came with it.
 */
export const REFS_SETTLE = 1000;

/** Lines that are leased, and for how long those leases hold without being renewed: in all, and from now on at most. In ms. */
export interface LeasedLines {
  readonly lines: readonly number[];
  readonly duration: number;
  readonly left: number;
}

/** Which jobs have a living owner, as of the last refresh. */
export class LeaseTable {
  /** The lines of jobs whose owner is alive. */
  present: ReadonlySet<number> = new Set();
  /** What removes the leases that have expired. */
  expired: readonly RefChange[] = [];
  /** The lines leased by others, by how long the leases hold, and how many more looks it takes to see them expire. */
  others: readonly LeasedLines[] = [];
  /** Since when jobs were seen without a lease, by performance.now(). */
  private unleased: ReadonlyMap<string, number> = new Map();
  private readonly expiry: LeaseExpiry;
  private readonly silent: SilentLeases;

  /** @param lease how long a job of a program that keeps no lease counts as leased, in ms */
  constructor(
    private readonly store: BranchStore,
    private readonly claims: OwnedClaims,
    lease: number,
  ) {
    this.expiry = new LeaseExpiry(`${store.remote.git.directory}/runmaker-leases-${hashOf(store.title)}.json`);
    this.silent = new SilentLeases(store, lease);
  }

  /**
   * Takes in the leases that were fetched last.
   * @returns whether another look is needed: some jobs have only just lost their lease, and count as present
   */
  async refresh(): Promise<boolean> {
    const { alive, expired } = await this.fetched();
    const jobs = this.store.now.document?.jobs ?? [];
    const ours = new Set(this.claims.rows().map(({ number }) => number));
    const leases = alive.map(({ lease }) => lease);
    const leased = new Set([...leasedLines(jobs, leases), ...ours]);
    const doubtful = this.doubtful(jobs.filter(({ state, number }) => isInHand(state) && !leased.has(number)));
    this.others = othersAmong(jobs, alive, ours);
    this.present = new Set([...leased, ...doubtful]);
    // Renewals first: where refs change one after the other, a renewal that lands just then keeps the lease.
    this.expired = expired.map(({ ref, commit }) => ({ ref, commit: undefined, instead: commit })).reverse();
    return doubtful.length > 0;
  }

  /** The leases of this queue, by whether they still hold. */
  private async fetched(): Promise<{ readonly alive: readonly LiveLease[]; readonly expired: readonly SeenLease[] }> {
    const leases: SeenLease[] = [];
    const seen = await this.store.remote.leases();
    const commits = new Map(seen.map(({ ref, commit }) => [ref, commit]));
    for (const { ref, commit, message } of seen) {
      const lease = parseLease(message);
      if (lease?.queue === this.store.title) leases.push({ ref, commit, beat: commits.get(beatOf(ref)), lease });
    }
    const silent = await this.silent.beside(leases.map(({ lease }) => lease));
    const { alive, expired } = await this.expiry.part([...leases, ...silent]);
    return { alive, expired: expired.filter(lease => !silent.includes(lease)) };
  }

  private doubtful(unleased: readonly DocumentJob[]): number[] {
    const before = this.unleased;
    const now = performance.now();
    const since = (job: DocumentJob): number => before.get(nameOf(job)) ?? now;
    this.unleased = new Map(unleased.map(job => [nameOf(job), since(job)]));
    return unleased.filter(job => now - since(job) < REFS_SETTLE).map(({ number }) => number);
  }
}

function othersAmong(jobs: readonly DocumentJob[], alive: readonly LiveLease[], ours: ReadonlySet<number>): LeasedLines[] {
  const groups = new Map<string, LiveLease[]>();
  for (const seen of alive) {
    const { duration } = seen.lease;
    const group = `${duration} ${Math.ceil(seen.left / (duration * LONGEST_SPAN))}`;
    const alike = groups.get(group);
    if (alike) alike.push(seen);
    else groups.set(group, [seen]);
  }
  return [...groups.values()].flatMap(group => {
    const leases = group.map(({ lease }) => lease);
    const lines = [...leasedLines(jobs, leases)].filter(line => !ours.has(line)).sort((a, b) => a - b);
    const [{ duration }] = leases as [Lease];
    return lines.length === 0 ? [] : [{ lines, duration, left: Math.max(...group.map(({ left }) => left)) }];
  });
}

function nameOf({ number, key }: DocumentJob): string {
  return `${number} ${key}`;
}

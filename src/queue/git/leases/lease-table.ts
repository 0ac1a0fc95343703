import type { BranchStore } from '../branch/branch-store.js';
import type { DocumentJob } from '../documents/document.js';
import type { RefChange } from '../plumbing/remote.js';
import { isInHand, type Lease, leasedLines } from './lease.js';
import { type LiveLease, LONGEST_SPAN } from './lease-expiry.js';
import type { OwnedClaims } from './owned-claims.js';

/**
 * How long, in ms, a job must be seen in somebody's hands without a lease before that counts. Git changes the refs of one push
 * together, but shows them one after the other: whoever reads in between sees the claim and not the lease that came with it.
 */
export const REFS_SETTLE = 1000;

/** Lines that are leased, and for how long those leases hold without a sign of life: in all, and from now on at most. In ms. */
export interface LeasedLines {
  readonly lines: readonly number[];
  readonly duration: number;
  readonly left: number;
}

/** Who is at which jobs, as of the last look at the leases. */
export class LeaseTable<Claim> {
  /** The lines of jobs that somebody proves to be running. */
  present: ReadonlySet<number> = new Set();
  /** What takes away the leases that have run out. */
  expired: readonly RefChange[] = [];
  /** The lines that others hold leases of, by how long those hold, and how many more looks it takes to see them run out. */
  others: readonly LeasedLines[] = [];
  /** Since when jobs were seen without a lease, by performance.now(). */
  private unleased: ReadonlyMap<string, number> = new Map();

  /** @param lease how long a job counts as leased whose program keeps none, in ms */
  constructor(
    private readonly ledger: BranchStore,
    private readonly holdings: OwnedClaims<Claim>,
    private readonly lease: number,
  ) {}

  /** Takes in what was fetched. Jobs that have no lease only since a moment ago count as present: true says that there are some. */
  async take(): Promise<boolean> {
    const { alive, expired } = await this.ledger.leases(this.lease);
    const theirs = alive.map(({ lease }) => lease);
    const jobs = this.ledger.now.document?.jobs ?? [];
    const ours = new Set(this.holdings.rows().map(({ number }) => number));
    const leased = new Set([...leasedLines(jobs, theirs), ...ours]);
    const doubtful = this.doubtful(jobs.filter(({ state, number }) => isInHand(state) && !leased.has(number)));
    this.others = othersAmong(jobs, alive, ours);
    this.present = new Set([...leased, ...doubtful]);
    // Signs of life first: where refs change one after the other, one that is renewed just then keeps the lease from going.
    this.expired = expired.map(({ ref, commit }) => ({ ref, commit: undefined, instead: commit })).reverse();
    return doubtful.length > 0;
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

import { decidingPaths, type JobResults, placeResults } from '../checkouts/results.js';
import { hashOf, LEASES, printLease } from '../leases/lease.js';
import type { OwnedClaims } from '../leases/owned-claims.js';
import type { CommitPlan, FileChange } from '../plumbing/import-stream.js';
import type { RefChange } from '../plumbing/remote.js';
import type { BranchStore } from './branch-store.js';
import { jobsInWords, runnerTrailer } from './commit-message.js';
import type { Transaction } from './transaction.js';

/** Times in ms. */
export interface CommitBuilderOptions {
  readonly host: string;
  readonly lease: number;
  tell(message: string, hint: string): void;
}

/** What to push for a transaction. */
export interface BuiltCommit {
  /** Undefined if the branch stays unchanged. */
  readonly commit: string | undefined;
  /** Leases that change with it. */
  readonly otherRefs: readonly RefChange[];
  /** Whether our own lease is among them. */
  readonly leased: boolean;
}

/** Turns transactions into commits in our clone, together with the lease that names the claimed jobs. */
export class CommitBuilder {
  private count = 0;

  constructor(
    private readonly store: BranchStore,
    private readonly claims: OwnedClaims,
    private readonly options: CommitBuilderOptions,
  ) {}

  get leaseRef(): string {
    return `${LEASES}${this.store.remote.runner}`;
  }

  /** @param bytes the file after the changes; undefined if unchanged */
  async build(transaction: Transaction, bytes: Buffer | undefined): Promise<BuiltCommit> {
    const plans: Omit<CommitPlan, 'ref'>[] = [];
    if (bytes !== undefined) {
      transaction.addTrailer(runnerTrailer(this.store.remote.runner, ++this.count));
      const plan = this.store.plan(bytes, transaction.message(this.options.host));
      const files = transaction.results.length === 0 ? [] : await this.placeFiles(transaction.results);
      plans.push({ ...plan, files: [...plan.files, ...files] });
    }
    const leased = transaction.renewLease || transaction.claimed.length > 0 || transaction.ended.size > 0;
    if (leased) plans.push({ message: this.leaseAfter(transaction) });
    const commits = plans.length === 0 ? [] : await this.store.remote.commit(plans, this.store.author);
    return {
      commit: bytes === undefined ? undefined : commits[0],
      otherRefs: [...transaction.removedLeases, ...(leased ? [{ ref: this.leaseRef, commit: commits.at(-1), own: true }] : [])],
      leased,
    };
  }

  private leaseAfter({ claimed, ended }: Transaction): string {
    // A remote without atomic pushes changes the lease before the branch: there it still names the claims that end now.
    const kept = this.claims.rows(this.store.remote.atomic ? ended : undefined);
    const begun = claimed.flatMap(({ standing }) => (standing.kind === 'held' ? [standing.row] : []));
    const rows = [...kept, ...begun];
    const title = `runmaker ${this.options.host}: runs ${jobsInWords(rows.map(({ number }) => number))}`;
    const leased = rows.map(({ number, key }) => ({ number, hash: hashOf(key) }));
    return printLease(title, { queue: this.store.title, duration: this.options.lease, rows: leased }, ++this.count);
  }

  /** Decides where results go, given others' pushes meanwhile. */
  private async placeFiles(results: readonly JobResults[]): Promise<readonly FileChange[]> {
    const wanted = results.flatMap(({ results: files }) => files.map(({ path }) => path));
    const files = placeResults(results, await this.store.filesAt(decidingPaths(results)));
    const aside = files.map(({ path }) => path).filter(path => !wanted.includes(path));
    if (aside.length > 0)
      this.options.tell(`results were changed by somebody else meanwhile; ours are in ${aside.join(', ')}`, 'look which are right');
    return files;
  }
}

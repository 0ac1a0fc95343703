import { decidingPaths, type JobResults, placeResults } from '../checkouts/results.js';
import { hashOf, LEASES, printLease } from '../leases/lease.js';
import type { OwnedClaims } from '../leases/owned-claims.js';
import type { HeldRow } from '../leases/row-tracking.js';
import type { CommitPlan, FileChange } from '../plumbing/import-stream.js';
import type { RefChange } from '../plumbing/remote.js';
import type { BranchStore } from './branch-store.js';
import { jobsInWords, type Transaction } from './transaction.js';

/** Whose commits they are, and what is to be told on the way. Times in ms. */
export interface CommitBuilderOptions {
  /** The host. */
  readonly who: string;
  readonly lease: number;
  tell(message: string, hint: string): void;
}

/** What is to be pushed for a draft. */
export interface Made {
  /** Undefined when the branch stays as it is. */
  readonly commit: string | undefined;
  /** What changes with it: leases. */
  readonly others: readonly RefChange[];
  /** Whether our lease is among them. */
  readonly leased: boolean;
}

/** Turns drafts into commits in our clone, with the lease that goes with them. */
export class CommitBuilder<Claim> {
  private count = 0;

  constructor(
    private readonly ledger: BranchStore,
    private readonly holdings: OwnedClaims<Claim>,
    private readonly options: CommitBuilderOptions,
  ) {}

  get leaseRef(): string {
    return `${LEASES}${this.ledger.remote.runner}`;
  }

  /** @param bytes the file as it is to be; undefined when it stays as it is */
  async make(draft: Transaction, bytes: Buffer | undefined): Promise<Made> {
    const plans: Omit<CommitPlan, 'ref'>[] = [];
    if (bytes !== undefined) {
      // Two that do the same in the same second must not make the same commit: each would take the other's push for its own.
      draft.trail(`Runner: ${this.ledger.remote.runner} ${++this.count}`);
      const plan = this.ledger.plan(bytes, draft.message(this.options.who));
      const files = draft.results.length === 0 ? [] : await this.place(draft.results);
      plans.push({ ...plan, files: [...plan.files, ...files] });
    }
    const leased = draft.renew || draft.taken.length > 0 || draft.left.size > 0;
    if (leased) plans.push({ message: this.leaseFor(draft) });
    const commits = plans.length === 0 ? [] : await this.ledger.remote.commit(plans, this.ledger.author);
    return {
      commit: bytes === undefined ? undefined : commits[0],
      others: [...draft.leases, ...(leased ? [{ ref: this.leaseRef, commit: commits.at(-1), own: true }] : [])],
      leased,
    };
  }

  private leaseFor(draft: Transaction): string {
    // Where the lease is changed before the branch, what ends now is named until it has ended.
    const isOver = ({ number }: HeldRow): boolean => this.ledger.remote.atomic && draft.left.has(number);
    const rows = [...this.holdings.rows().filter(row => !isOver(row)), ...draft.taken];
    const title = `runmaker ${this.options.who}: runs ${jobsInWords(rows.map(({ number }) => number))}`;
    const leased = rows.map(({ number, key }) => ({ number, hash: hashOf(key) }));
    return printLease(title, { queue: this.ledger.title, duration: this.options.lease, rows: leased }, ++this.count);
  }

  /** Where results go, given what others have pushed meanwhile. */
  private async place(results: readonly JobResults[]): Promise<readonly FileChange[]> {
    const wanted = results.flatMap(({ results: files }) => files.map(({ path }) => path));
    const files = placeResults(results, await this.ledger.filesAt(decidingPaths(results)));
    const aside = files.map(({ path }) => path).filter(path => !wanted.includes(path));
    if (aside.length > 0)
      this.options.tell(`results were changed by somebody else meanwhile; ours are in ${aside.join(', ')}`, 'look which are right');
    return files;
  }
}

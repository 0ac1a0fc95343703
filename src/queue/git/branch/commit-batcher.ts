/**
 * Group commit. A request of the queue (a claim, a result, an append) travels like this:
 *
 * 1. `submit` puts it into the request queue and starts `run` if that is not under way.
 * 2. `run` waits a moment for more of its kind and hands the batch to `commit`.
 * 3. `commit` applies each request to one transaction on the last known document, builds a commit from it, and pushes that.
 * 4. When the push lands, `settle` updates the owned claims and answers the callers. When another runner was faster, `commit` fetches and
 *    starts again at 3.
 */
import { setTimeout } from 'node:timers/promises';
import { Heartbeat } from '../leases/heartbeat.js';
import { LeaseTable, REFS_SETTLE } from '../leases/lease-table.js';
import type { OwnedClaims } from '../leases/owned-claims.js';
import { isRefusedPush, type Pushed } from '../plumbing/remote.js';
import type { BranchStore } from './branch-store.js';
import { type BuiltCommit, CommitBuilder, type CommitBuilderOptions } from './commit-builder.js';
import { Pacing } from './pacing.js';
import type { ChangeRequest, PendingRequest } from './request.js';
import { RequestQueue } from './request-queue.js';
import { RetryPolicy } from './retry-policy.js';
import { Transaction } from './transaction.js';

/** A commit for these requests, which may have been pushed. */
interface Attempt extends BuiltCommit {
  readonly transaction: Transaction;
  readonly answers: ReadonlyMap<PendingRequest, unknown>;
}

/** Times in ms. */
export interface CommitBatcherOptions extends CommitBuilderOptions {
  readonly patience: number;
}

/** How long, in ms, to wait for more requests. `most`: for the ends of this runner's other jobs; less where pushes are quick. */
const GATHER = { least: 4, most: 1000 };
/** How often, in ms, a paced claim is checked: it may be aborted, or a more urgent request may arrive. */
const PACE = 50;

/** Commits the changes of one queue handle, one commit at a time. */
export class CommitBatcher {
  /** Grows with every change of the branch, seen or made. */
  version = 0;
  /** How many races with other runners were lost. */
  beaten = 0;
  private readonly requests = new RequestQueue();
  private running: Promise<void> | undefined;
  /** Whether others changed the branch at the last look. */
  private contended = false;
  /** How long the last commit took, in ms. */
  private turn = GATHER.least;
  /** Whether our lease is on the remote. */
  private leased = false;
  private readonly pacing = new Pacing();
  private readonly heartbeat: Heartbeat;
  private readonly builder: CommitBuilder;
  private readonly leases: LeaseTable;

  constructor(
    private readonly store: BranchStore,
    private readonly claims: OwnedClaims,
    private readonly options: CommitBatcherOptions,
  ) {
    this.builder = new CommitBuilder(store, claims, options);
    this.heartbeat = new Heartbeat(store, this.builder.leaseRef, options.lease, options.host, options.tell);
    this.leases = new LeaseTable(store, claims, options.lease);
  }

  /** The jobs that others had claimed at the last look at the leases. */
  get others(): LeaseTable['others'] {
    return this.leases.others;
  }

  /** Settles when the request is applied and pushed. Rejects when the remote does not accept it. */
  submit<T>(request: ChangeRequest<T>): Promise<T> {
    const answer = this.requests.add(request);
    this.running ??= this.run();
    return answer;
  }

  /** Renews this runner's lease after dropping a claim whose end could not be pushed, so that the lease no longer names it. */
  renewLease(): void {
    this.updateHeartbeat();
    if (this.claims.size === 0) return;
    const apply = (transaction: Transaction): void => {
      transaction.renewLease = true;
    };
    this.submit({ kind: 'jobs', apply }).catch(() => undefined);
  }

  /** Removes our lease. */
  async close(): Promise<void> {
    while (this.running) await this.running;
    const beats = await this.heartbeat.end();
    if (!this.leased) return;
    const { remote } = this.store;
    const lease = { ref: this.builder.leaseRef, commit: undefined, own: true };
    // Another runner may have removed one of the two. Leases that cannot be removed expire.
    await remote.push([...beats, lease]).catch(() => remote.push([lease]).catch(() => undefined));
  }

  private async run(): Promise<void> {
    while (this.requests.length > 0) {
      await this.gather();
      const batch: PendingRequest[] = [];
      try {
        await this.commit(batch);
      } catch (error) {
        for (const pending of batch) pending.reject(error);
      }
    }
    // No await since the last check of the requests: none can arrive in between.
    this.running = undefined;
  }

  /** Waits for requests that may share the commit: the results of this runner's other jobs, for about as long as a push takes. */
  private async gather(): Promise<void> {
    const end = performance.now() + Math.min(this.turn, GATHER.most);
    do await setTimeout(GATHER.least);
    while (this.requests.first?.kind === 'jobs' && this.requests.ends < this.claims.size && performance.now() < end);
    while (this.requests.hasClaim && this.pacing.pause > 0) await setTimeout(Math.min(this.pacing.pause, PACE));
  }

  /** Commits a batch, which takes in more requests of its kind each time it is applied again. */
  private async commit(batch: PendingRequest[]): Promise<void> {
    const retry = new RetryPolicy(this.store, this.options.patience, this.options.tell);
    /** Pushed, but not yet known to have landed. */
    let uncertain: Attempt | undefined;
    let mustLook = this.contended;
    let hasSettled = false;
    let filesMayBeRefused = true;
    for (;;) {
      this.requests.fill(batch);
      if (batch.length === 0 && uncertain === undefined) return;
      const began = performance.now();
      try {
        const needsLeases = batch.some(({ request }) => request.needsLeases);
        if (mustLook || needsLeases || uncertain !== undefined) {
          const isDoubtful = await this.look(needsLeases, uncertain, batch);
          uncertain = undefined;
          mustLook = isDoubtful && !hasSettled;
          if (batch.length === 0) return;
          if (mustLook) {
            await setTimeout(REFS_SETTLE);
            hasSettled = true;
            continue;
          }
        }
        const { transaction, answers } = this.apply(batch);
        if (batch.length === 0) continue;
        const bytes = transaction.bytes();
        // A push proves that the document is current. Without one, only a look that began after the request does.
        if (bytes === undefined && batch.some(({ since }) => this.store.asOf < since)) {
          mustLook = true;
          continue;
        }
        const attempt = { ...(await this.builder.build(transaction, bytes)), transaction, answers };
        uncertain = attempt;
        const { version } = this;
        const pushed = await this.push(attempt);
        this.turn = performance.now() - began;
        if (pushed.kind === 'landed') {
          if (attempt.commit !== undefined) this.pacing.landed(this.turn);
          this.settle(attempt, batch);
          this.contended ||= retry.races > 0;
          return;
        }
        this.beaten++;
        await retry.lostRace(pushed.failure, version, this.turn);
      } catch (error) {
        if (filesMayBeRefused && isRefusedPush(error)) {
          filesMayBeRefused = this.requests.isolateRefused(batch, error);
          uncertain = undefined;
          if (filesMayBeRefused) continue;
        }
        // Isolated requests wait behind the batch, so it is retried for as long as they would be.
        await retry.afterFailure(error, this.requests.ends > 0 || batch.some(({ request }) => request.endsClaim));
        mustLook = true;
      }
    }
  }

  /** Applies the batch to a new transaction. Rejects a request that cannot be applied, and removes it from the batch. */
  private apply(batch: PendingRequest[]): Pick<Attempt, 'transaction' | 'answers'> {
    const { document, problem } = this.store.now;
    if (document === undefined) throw problem;
    const transaction = new Transaction(document, this.leases);
    const answers = new Map<PendingRequest, unknown>();
    // Ends first: a claim may wait for just that job.
    const order = batch.toSorted((a, b) => Number(b.request.endsClaim ?? false) - Number(a.request.endsClaim ?? false));
    for (const pending of order) {
      try {
        answers.set(pending, pending.request.apply(transaction, pending.filesRefused));
      } catch (error) {
        batch.splice(batch.indexOf(pending), 1);
        pending.reject(error);
      }
    }
    return { transaction, answers };
  }

  private async push({ commit, otherRefs }: BuiltCommit): Promise<Pushed> {
    if (commit !== undefined) return await this.store.push(commit, otherRefs);
    return otherRefs.length === 0 ? { kind: 'landed' } : await this.store.remote.push(otherRefs);
  }

  /** Takes in an attempt that has landed, and answers its callers. */
  private settle({ commit, leased, transaction, answers }: Attempt, batch: PendingRequest[]): void {
    this.leased ||= leased;
    if (commit !== undefined) this.version++;
    this.claims.update(transaction.claimed, transaction.ended);
    for (const [pending, answer] of answers) {
      pending.resolve(answer);
      if (batch.includes(pending)) batch.splice(batch.indexOf(pending), 1);
    }
    this.updateHeartbeat();
  }

  /** Renews the lease for as long as there are claims. */
  private updateHeartbeat(): void {
    if (this.claims.size === 0) this.heartbeat.pause();
    else this.heartbeat.begin();
  }

  /**
   * Fetches the branch, follows this runner's claims through others' pushes, and refreshes the lease table if needed. An uncertain attempt
   * may turn out to have landed.
   * @returns whether another look is needed to be sure of the leases
   */
  private async look(needsLeases: boolean, uncertain: Attempt | undefined, batch: PendingRequest[]): Promise<boolean> {
    const move = await this.store.look(this.claims.size > 0 || uncertain !== undefined, needsLeases);
    this.contended = move.steps.length > 0;
    this.pacing.saw(move.others);
    if (move.steps.length > 0) this.version++;
    if (move.rewritten) {
      this.options.tell(
        `the history of ${this.store.remote.branch} was rewritten on the remote`,
        'running jobs are looked up by their lines; to have something done again, set states instead',
      );
    }
    let before = move.from;
    for (const step of move.steps) {
      if (uncertain !== undefined && step.commit === uncertain.commit) this.settle(uncertain, batch);
      else if (before) this.claims.follow(before, step, move.rewritten);
      before = step.document ?? before;
    }
    return needsLeases && (await this.leases.refresh());
  }
}

import { setTimeout } from 'node:timers/promises';
import { withoutSecrets } from '../address.js';
import { Heartbeat } from '../leases/heartbeat.js';
import { LeaseTable, REFS_SETTLE } from '../leases/lease-table.js';
import type { OwnedClaims } from '../leases/owned-claims.js';
import type { GitFailure } from '../plumbing/failure.js';
import { isRefusedPush, type Pushed } from '../plumbing/remote.js';
import type { BranchStore } from './branch-store.js';
import { CommitBuilder, type CommitBuilderOptions, type Made } from './commit-builder.js';
import type { ChangeRequest, Task } from './request.js';
import { LONGEST_PAUSE, RetryPolicy } from './retry-policy.js';
import { Transaction } from './transaction.js';

/** A push, of which it may not be known yet whether it landed. */
interface Attempt extends Made {
  /** What follows once it has landed. */
  land(): void;
}

/** How a clerk works. Times in ms. */
export interface CommitBatcherOptions extends CommitBuilderOptions {
  readonly patience: number;
}

/** How long, in ms, to wait for what else there is to be written. `most`: for our jobs that may end by then; less where pushes are quick. */
const GATHER = { least: 4, most: 1000 };
/** A random part of so many times what a push takes is waited, at most, after somebody was faster. */
const MOST_TURNS = 16;

/**
 * Writes for one handle: gathers what its callers want, puts it into one commit, and pushes that; when somebody was faster, fetches,
 * decides anew, and tries again. One commit is under way at a time.
 */
export class CommitBatcher<Claim> {
  /** Grows with every change that was seen or made. */
  version = 0;
  /** How often somebody was faster. */
  beaten = 0;
  private readonly pending: Task[] = [];
  private working: Promise<void> | undefined;
  private contended = false;
  private turn = GATHER.least;
  private leased = false;
  private readonly heartbeat: Heartbeat;
  private readonly maker: CommitBuilder<Claim>;
  private readonly rollCall: LeaseTable<Claim>;

  constructor(
    private readonly ledger: BranchStore,
    private readonly holdings: OwnedClaims<Claim>,
    private readonly options: CommitBatcherOptions,
  ) {
    this.maker = new CommitBuilder(ledger, holdings, options);
    this.heartbeat = new Heartbeat(ledger, this.maker.leaseRef, options.lease, options.who, options.tell);
    this.rollCall = new LeaseTable(ledger, holdings, options.lease);
  }

  /** What others had in their hands when leases were looked at last. */
  get others(): LeaseTable<Claim>['others'] {
    return this.rollCall.others;
  }

  /** Does an errand; settles when it is done and pushed. Rejects when the remote cannot be brought to take it. */
  do<T>(errand: ChangeRequest<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.pending.push({
        errand: errand as ChangeRequest<unknown>,
        at: performance.now(),
        resolve: resolve as (answer: unknown) => void,
        reject,
      });
      this.working ??= this.work();
    });
  }

  /** A job was given up that the remote still takes for ours: has our lease name it no more, if that can be told. */
  disown(): void {
    this.pulse();
    if (this.holdings.size === 0) return;
    const renewal: ChangeRequest<void> = {
      family: 'jobs',
      decide: draft => {
        draft.renew = true;
      },
    };
    this.do(renewal).catch(() => undefined);
  }

  /** Takes our lease away: nobody is to wait for us any more. */
  async close(): Promise<void> {
    while (this.working) await this.working;
    const beats = await this.heartbeat.end();
    if (!this.leased) return;
    const { remote } = this.ledger;
    const lease = { ref: this.maker.leaseRef, commit: undefined, own: true };
    // Somebody may have taken the one away and left the other. If it cannot be told they will run out.
    await remote.push([...beats, lease]).catch(() => remote.push([lease]).catch(() => undefined));
  }

  private async work(): Promise<void> {
    while (this.pending.length > 0) {
      await this.gather();
      const batch: Task[] = [];
      try {
        await this.settle(batch);
      } catch (error) {
        for (const task of batch) task.reject(error);
      }
    }
    // In the same breath as the last look at what is pending: nothing may come between.
    this.working = undefined;
  }

  /** Waits for what may go into the same commit: the results of our other jobs, for about as long as a push takes. */
  private async gather(): Promise<void> {
    const end = performance.now() + Math.min(this.turn, GATHER.most);
    do await setTimeout(GATHER.least);
    while (this.pending[0]?.errand.family === 'jobs' && this.endings < this.holdings.size && performance.now() < end);
  }

  /** How many of our claims wait to be ended. */
  private get endings(): number {
    return this.pending.filter(({ errand }) => errand.precious).length;
  }

  /** Brings a batch to its end. More of its kind is taken in as long as it is decided anew. */
  private async settle(batch: Task[]): Promise<void> {
    let attempt: Attempt | undefined;
    let beaten = 0;
    let look = this.contended;
    let settled = false;
    let isSorted = false;
    const forbearance = new RetryPolicy(this.ledger, this.options.patience, this.options.tell);
    for (;;) {
      this.absorb(batch);
      if (batch.length === 0 && attempt === undefined) return;
      const began = performance.now();
      try {
        const leases = batch.some(({ errand }) => errand.leases);
        if (look || leases || attempt !== undefined) {
          const unsure = await this.look(leases, attempt);
          attempt = undefined;
          look = unsure && !settled;
          if (batch.length === 0) return;
          if (look) {
            await setTimeout(REFS_SETTLE);
            settled = true;
            continue;
          }
        }
        const { document, problem } = this.ledger.now;
        if (document === undefined) throw problem;
        const draft = new Transaction(document, this.rollCall.present, this.rollCall.expired);
        const answers = this.decide(batch, draft);
        if (batch.length === 0) continue;
        const bytes = draft.bytes();
        // A push proves what it stands upon. Without one, only a look that began after the question was asked can tell.
        if (bytes === undefined && batch.some(({ at }) => this.ledger.asOf < at)) {
          look = true;
          continue;
        }
        const made = await this.maker.make(draft, bytes);
        attempt = { ...made, land: () => this.land(made, batch, answers) };
        const { version } = this;
        const pushed = await this.push(attempt);
        this.turn = performance.now() - began;
        if (pushed.kind === 'landed') {
          this.contended ||= beaten > 0;
          return;
        }
        forbearance.concede(pushed.failure, version);
        this.beaten++;
        beaten++;
        await setTimeout(Math.random() * Math.min(this.turn * Math.min(2 ** (beaten + 1), MOST_TURNS), LONGEST_PAUSE));
      } catch (error) {
        if (!isSorted && isRefusedPush(error)) {
          isSorted = !this.sort(batch, error);
          attempt = undefined;
          if (!isSorted) continue;
        }
        // What was put apart waits behind what is left: that is to last as long.
        await forbearance.bear(
          error,
          [...batch, ...this.pending].some(({ errand }) => errand.precious),
        );
        look = true;
      }
    }
  }

  /** Takes what is pending and goes with what is in the batch already, and drops what is not wanted any more. */
  private absorb(batch: Task[]): void {
    for (const list of [batch, this.pending]) {
      for (const task of list.filter(({ errand }) => errand.signal?.aborted)) {
        list.splice(list.indexOf(task), 1);
        task.reject(task.errand.signal?.reason);
      }
    }
    const first = batch[0] ?? this.pending[0];
    for (let next = this.pending[0]; next && first; next = this.pending[0]) {
      const { family } = next.errand;
      if (family !== first.errand.family) return;
      if (batch.length > 0 && (family === 'alone' || next.apart || first.apart)) return;
      batch.push(next);
      this.pending.shift();
    }
  }

  /**
   * The remote has refused a push: that may be for the files of one job, and what others wait for is not to be held up by that. First
   * what brings files goes apart, each by itself, then what is refused by itself goes without them. False when it was not for the files.
   */
  private sort(batch: Task[], failure: GitFailure): boolean {
    const heavy = batch.filter(({ errand }) => errand.heavy);
    const [first] = heavy;
    if (first === undefined) return false;
    if (!first.apart) {
      for (const task of heavy) {
        task.apart = true;
        batch.splice(batch.indexOf(task), 1);
      }
      this.pending.unshift(...heavy);
      return true;
    }
    if (first.refusal === undefined) {
      first.refusal = withoutSecrets(failure.message);
      return true;
    }
    first.refusal = undefined;
    for (const task of [...batch, ...this.pending]) task.apart = false;
    return false;
  }

  /** What each errand comes to. One that cannot be done is told so, and leaves the batch. */
  private decide(batch: Task[], draft: Transaction): ReadonlyMap<Task, unknown> {
    const answers = new Map<Task, unknown>();
    // What ends comes first: others may wait for just that.
    for (const task of batch.toSorted((a, b) => Number(b.errand.precious ?? false) - Number(a.errand.precious ?? false))) {
      try {
        answers.set(task, task.errand.decide(draft, task.refusal));
      } catch (error) {
        batch.splice(batch.indexOf(task), 1);
        task.reject(error);
      }
    }
    return answers;
  }

  /** What was pushed is so: tells those who wait for it. */
  private land({ commit, leased }: Made, batch: Task[], answers: ReadonlyMap<Task, unknown>): void {
    this.leased ||= leased;
    if (commit !== undefined) this.version++;
    for (const [task, answer] of answers) {
      task.errand.settled?.(answer);
      task.resolve(answer);
      if (batch.includes(task)) batch.splice(batch.indexOf(task), 1);
    }
    this.pulse();
  }

  /** Has the lease renewed in time for as long as there is something in our hands. */
  private pulse(): void {
    if (this.holdings.size === 0) this.heartbeat.pause();
    else this.heartbeat.begin();
  }

  private async push(attempt: Attempt): Promise<Pushed> {
    const { commit, others } = attempt;
    if (commit !== undefined || others.length > 0) {
      const pushed = commit === undefined ? await this.ledger.remote.push(others) : await this.ledger.push(commit, others);
      if (pushed.kind === 'beaten') return pushed;
    }
    attempt.land();
    return { kind: 'landed' };
  }

  /**
   * Looks at the remote and goes along with it, and takes the roll call if there are leases to be seen: true asks for another look to be
   * sure of it. An attempt may turn out to have landed after all.
   */
  private async look(leases: boolean, attempt: Attempt | undefined): Promise<boolean> {
    const move = await this.ledger.look(this.holdings.size > 0 || attempt !== undefined, leases);
    this.contended = move.steps.length > 0;
    if (move.steps.length > 0) this.version++;
    if (move.rewritten) {
      this.options.tell(
        `the history of ${this.ledger.remote.branch} was rewritten on the remote`,
        'running jobs are looked up by their lines; to have something done again, set states instead',
      );
    }
    let before = move.from;
    for (const step of move.steps) {
      if (step.commit === attempt?.commit) attempt?.land();
      else if (before) this.holdings.follow(before, step, move.rewritten);
      before = step.document ?? before;
    }
    return leases && (await this.rollCall.take());
  }
}

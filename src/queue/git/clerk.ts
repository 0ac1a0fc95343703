import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import { formatDuration } from '../../job/duration.js';
import { type JobResults, placeResults } from './checkouts.js';
import { Draft, jobsInWords } from './draft.js';
import type { Holdings } from './holdings.js';
import { hashOf, LEASES, leasedLines, printLease } from './lease.js';
import { type Ledger, mayPass } from './ledger.js';
import { explainFailure, type FailureKind, GitFailure } from './plumbing/failure.js';
import type { CommitPlan, FileChange } from './plumbing/import-stream.js';
import type { RefChange } from './plumbing/remote.js';

/** What goes into one commit: ends and claims of jobs together, all that is appended together, anything else alone. */
export type Family = 'jobs' | 'append' | 'alone';

/** Something that a caller wants done. What it decides holds once the draft is pushed, and is decided anew if somebody was faster. */
export interface Errand<T> {
  readonly family: Family;
  /** Whether it asks who is present. */
  readonly leases?: boolean;
  /** Whether it has to be done in the end: a result that would be lost otherwise. */
  readonly precious?: boolean;
  readonly signal?: AbortSignal | undefined;
  decide(draft: Draft): T;
  /** What follows when it is so: told before the next errand is decided. */
  settled?(answer: T): void;
}

interface Task {
  readonly errand: Errand<unknown>;
  readonly at: number;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** A push, of which it may not be known yet whether it landed. */
interface Attempt {
  /** Undefined when the branch stays as it is. */
  readonly commit: string | undefined;
  readonly others: readonly RefChange[];
  /** What follows once it has landed. */
  land(): void;
}

/** How a clerk works. Times in ms. */
export interface ClerkOptions {
  readonly who: string;
  readonly lease: number;
  readonly patience: number;
  tell(message: string, hint: string): void;
}

/** How long, in ms, to wait for what else there is to be written. `most`: for our jobs that may end by then; less where pushes are quick. */
const GATHER = { least: 4, most: 1000 };
/** Between two tries while the remote cannot be reached, in ms. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;
/** A random part of so many times what a push takes is waited, at most, after somebody was faster. */
const MOST_TURNS = 16;

/** Failures that do not pass by themselves. */
const NEEDS_SOMEBODY: ReadonlySet<FailureKind> = new Set(['refused', 'protected', 'checkedOut']);

/** Since when something goes wrong, and how long to wait next. */
interface Failing {
  since: number | undefined;
  pause: number;
}

/**
 * Writes for one handle: gathers what its callers want, puts it into one commit, and pushes that; when somebody was faster, fetches,
 * decides anew, and tries again. One commit is under way at a time.
 */
export class Clerk<Claim> {
  /** Grows with every change that was seen or made. */
  version = 0;
  /** How often somebody was faster. */
  beaten = 0;
  private readonly pending: Task[] = [];
  private working: Promise<void> | undefined;
  private contended = false;
  private turn = GATHER.least;
  private beat = 0;
  private leased = false;
  private renewal: NodeJS.Timeout | undefined;
  private present: ReadonlySet<number> = new Set();
  private expired: readonly RefChange[] = [];

  constructor(
    private readonly ledger: Ledger,
    private readonly holdings: Holdings<Claim>,
    private readonly options: ClerkOptions,
  ) {}

  /** Does an errand; settles when it is done and pushed. Rejects when the remote cannot be brought to take it. */
  do<T>(errand: Errand<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.pending.push({
        errand: errand as Errand<unknown>,
        at: performance.now(),
        resolve: resolve as (answer: unknown) => void,
        reject,
      });
      this.working ??= this.work();
    });
  }

  /** Takes our lease away: nobody is to wait for us any more. */
  async close(): Promise<void> {
    clearInterval(this.renewal);
    while (this.working) await this.working;
    if (!this.leased) return;
    // If it cannot be told it will run out.
    await this.ledger.remote.push([{ ref: this.leaseRef, commit: undefined, own: true }]).catch(() => undefined);
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
    const failing: Failing = { since: undefined, pause: FIRST_PAUSE };
    for (;;) {
      this.absorb(batch);
      if (batch.length === 0 && attempt === undefined) return;
      const began = performance.now();
      try {
        const leases = batch.some(({ errand }) => errand.leases);
        if (look || leases || attempt !== undefined) {
          await this.look(leases, attempt);
          attempt = undefined;
          look = false;
          if (batch.length === 0) return;
        }
        const { document, problem } = this.ledger.now;
        if (document === undefined) throw problem;
        const draft = new Draft(document, this.present, this.expired);
        const answers = this.decide(batch, draft);
        if (batch.length === 0) continue;
        const bytes = draft.bytes();
        // A push proves what it stands upon. Without one, only a look that began after the question was asked can tell.
        if (bytes === undefined && batch.some(({ at }) => this.ledger.asOf < at)) {
          look = true;
          continue;
        }
        attempt = await this.prepare(draft, bytes, batch, answers);
        const landed = await this.push(attempt);
        this.turn = performance.now() - began;
        if (landed) {
          this.contended ||= beaten > 0;
          return;
        }
        failing.since = undefined;
        this.beaten++;
        beaten++;
        await setTimeout(Math.random() * Math.min(this.turn * Math.min(2 ** (beaten + 1), MOST_TURNS), LONGEST_PAUSE));
      } catch (error) {
        await this.bear(error, batch, failing);
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
      if (family !== first.errand.family || (family === 'alone' && batch.length > 0)) return;
      batch.push(next);
      this.pending.shift();
    }
  }

  /** What each errand comes to. One that cannot be done is told so, and leaves the batch. */
  private decide(batch: Task[], draft: Draft): ReadonlyMap<Task, unknown> {
    const answers = new Map<Task, unknown>();
    // What ends comes first: others may wait for just that.
    for (const task of batch.toSorted((a, b) => Number(b.errand.precious ?? false) - Number(a.errand.precious ?? false))) {
      try {
        answers.set(task, task.errand.decide(draft));
      } catch (error) {
        batch.splice(batch.indexOf(task), 1);
        task.reject(error);
      }
    }
    return answers;
  }

  /** Makes the commits, here, and says what follows once they are there. */
  private async prepare(draft: Draft, bytes: Buffer | undefined, batch: Task[], answers: ReadonlyMap<Task, unknown>): Promise<Attempt> {
    const { who, lease } = this.options;
    const plans: Omit<CommitPlan, 'ref'>[] = [];
    if (bytes !== undefined) {
      // Two that do the same in the same second must not make the same commit: each would take the other's push for its own.
      draft.trail(`Runner: ${this.ledger.remote.runner} ${++this.beat}`);
      const plan = this.ledger.plan(bytes, draft.message(who));
      const files = draft.results.length === 0 ? [] : await this.place(draft.results);
      plans.push({ ...plan, files: [...plan.files, ...files] });
    }
    const rows = [...this.holdings.rows().filter(({ number }) => !draft.left.has(number)), ...draft.taken];
    const leases = draft.renew || draft.taken.length > 0 || draft.left.size > 0;
    if (leases) {
      const title = `runmaker ${who}: runs ${jobsInWords(rows.map(({ number }) => number))}`;
      const leased = rows.map(({ number, key }) => ({ number, hash: hashOf(key) }));
      plans.push({ message: printLease(title, { queue: this.ledger.title, duration: lease, rows: leased }, ++this.beat) });
    }
    const commits = plans.length === 0 ? [] : await this.ledger.remote.commit(plans, this.ledger.author);
    return {
      commit: bytes === undefined ? undefined : commits[0],
      others: [...draft.leases, ...(leases ? [{ ref: this.leaseRef, commit: commits.at(-1), own: true }] : [])],
      land: () => {
        this.leased ||= leases;
        if (bytes !== undefined) this.version++;
        for (const task of answers.keys()) {
          task.errand.settled?.(answers.get(task));
          task.resolve(answers.get(task));
          if (batch.includes(task)) batch.splice(batch.indexOf(task), 1);
        }
        this.keepLease();
      },
    };
  }

  /** Where results go, given what others have pushed meanwhile. */
  private async place(results: readonly JobResults[]): Promise<readonly FileChange[]> {
    const wanted = results.flatMap(({ results: files }) => files.map(({ path }) => path));
    const files = placeResults(results, await this.ledger.objectsAt(wanted));
    const aside = files.map(({ path }) => path).filter(path => !wanted.includes(path));
    if (aside.length > 0)
      this.options.tell(`results were changed by somebody else meanwhile; ours are in ${aside.join(', ')}`, 'look which are right');
    return files;
  }

  /** Whether it has landed; if not, somebody was faster. */
  private async push(attempt: Attempt): Promise<boolean> {
    const { commit, others } = attempt;
    if (commit !== undefined || others.length > 0) {
      const pushed = commit === undefined ? await this.ledger.remote.push(others) : await this.ledger.push(commit, others);
      if (pushed === 'beaten') return false;
    }
    attempt.land();
    return true;
  }

  /** Looks at the remote and goes along with it. An attempt may turn out to have landed after all. */
  private async look(leases: boolean, attempt: Attempt | undefined): Promise<void> {
    const move = await this.ledger.look(this.holdings.size > 0 || attempt !== undefined, leases);
    this.contended = move.steps.length > 0;
    if (move.steps.length > 0) this.version++;
    if (move.rewritten) {
      this.options.tell(
        `the history of ${this.ledger.remote.branch} was rewritten on the remote`,
        'running jobs are looked up by their lines; to have something done again, set states instead',
      );
    }
    for (const step of move.steps) {
      if (step.commit === attempt?.commit) attempt?.land();
      else this.holdings.follow(step, move.rewritten);
    }
    if (leases) await this.seeWhoIsThere();
  }

  private async seeWhoIsThere(): Promise<void> {
    const { alive, expired } = await this.ledger.leases();
    const theirs = alive.map(({ lease }) => lease);
    const ours = this.holdings.rows().map(({ number }) => number);
    this.present = new Set([...leasedLines(this.ledger.now.document?.jobs ?? [], theirs), ...ours]);
    this.expired = expired.map(({ ref, commit }) => ({ ref, commit: undefined, instead: commit }));
  }

  /** Waits a little after something went wrong that may pass; throws when it will not, or has lasted too long. */
  private async bear(error: unknown, batch: readonly Task[], failing: Failing): Promise<void> {
    const now = performance.now();
    failing.since ??= now;
    const known = error instanceof GitFailure ? explainFailure(error, this.ledger.remote.url, true) : error;
    const passes = mayPass(error) || error === this.ledger.now.problem;
    const hopeless = error instanceof GitFailure && NEEDS_SOMEBODY.has(error.kind) && !batch.some(({ errand }) => errand.precious);
    if (!passes || hopeless || now - failing.since + failing.pause > this.options.patience) throw known;
    if (failing.pause === FIRST_PAUSE && known instanceof Error) {
      this.options.tell(
        `${known.message}; trying on for ${formatDuration(this.options.patience)}`,
        known instanceof RunmakerError ? (known.hint ?? '') : '',
      );
    }
    await setTimeout(failing.pause * (0.5 + Math.random() / 2));
    failing.pause = Math.min(failing.pause * 2, LONGEST_PAUSE);
  }

  private get leaseRef(): string {
    return `${LEASES}${this.ledger.remote.runner}`;
  }

  /** Has the lease renewed in time for as long as there is something in our hands. */
  private keepLease(): void {
    if (this.holdings.size === 0) {
      clearInterval(this.renewal);
      this.renewal = undefined;
      return;
    }
    const renew: Errand<void> = {
      family: 'jobs',
      decide: draft => {
        draft.renew = true;
      },
    };
    // What fails is tried again in time: a lease holds longer than two of these pauses.
    this.renewal ??= setInterval(() => void this.do(renew).catch(() => undefined), this.options.lease / 4).unref();
  }
}

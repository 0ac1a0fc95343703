/** A queue over git: the contract of queues on top of branch/ (transactions and pushes), leases/, checkouts/ and documents/. */

import { pause } from '../../async/timer.js';
import { formatDuration } from '../../job/duration.js';
import type { Job } from '../../job/job.js';
import { JobTable } from '../../job/job-table.js';
import { fits } from '../../job/needs.js';
import { outlook } from '../../job/readiness.js';
import { jobMatcher, type Selection } from '../../job/selection.js';
import { type Counts, State } from '../../job/state.js';
import { hostName } from '../../system/host.js';
import { Advice, noticesOf } from '../advice.js';
import { planLines } from '../plan.js';
import type { Capabilities, ClaimRequest, ClaimResult, ClaimStatistics, Queue, ReclaimRequest, SetOptions, SetResult } from '../queue.js';
import type { BranchStore } from './branch/branch-store.js';
import { CommitBatcher } from './branch/commit-batcher.js';
import { jobsInWords } from './branch/commit-message.js';
import { appendJobs, type ClaimedJobs, claimJobs, reclaimJobs, setStates } from './branch/operations.js';
import type { CheckoutPool } from './checkouts/checkout-pool.js';
import type { DocumentJob, QueueDocument } from './documents/document.js';
import { type ClaimContext, GitClaim } from './git-claim.js';
import { isInHand } from './leases/lease.js';
import { LONGEST_SPAN } from './leases/lease-expiry.js';
import { OwnedClaims } from './leases/owned-claims.js';
import { areAlike } from './leases/row-tracking.js';

/** The parts of a queue over git. Times in ms. */
export interface GitQueueParts {
  readonly name: string;
  readonly address: string;
  readonly store: BranchStore;
  readonly lease: number;
  readonly sleep: number;
  readonly patience: number;
  readonly maxJobAttempts: number;
  /** Where jobs run, when their results are brought back. */
  readonly checkouts?: CheckoutPool | undefined;
}

/** A file on a branch of a git remote as a queue: each change of states is a commit. */
export class GitQueue implements Queue {
  readonly name: string;
  readonly address: string;
  readonly capabilities: Capabilities;
  private readonly store: BranchStore;
  private readonly sleep: number;
  private readonly checkouts: CheckoutPool | undefined;
  private readonly owned = new OwnedClaims();
  private readonly batcher: CommitBatcher;
  private readonly context: ClaimContext;
  private readonly advice = new Advice();
  /** Claimed together with another job, and not handed out yet. */
  private readonly spares: GitClaim[] = [];
  private won = 0;
  private layouts = 0;
  /** The last document counted by `layouts`. */
  private laidOut: QueueDocument | undefined;
  private reclaiming = false;
  private othersTold = false;
  private tell: ClaimRequest['tell'];

  constructor({ name, address, store, lease, sleep, patience, maxJobAttempts, checkouts }: GitQueueParts) {
    this.name = name;
    this.address = address;
    this.store = store;
    const { silent, isTable } = store.now.document ?? {};
    this.capabilities = { presence: true, silent, ...(isTable && { mayBeEmpty: true }) };
    this.sleep = sleep;
    this.checkouts = checkouts;
    const tell = (message: string, hint: string): void => this.tell?.({ kind: 'news', message, hint });
    this.batcher = new CommitBatcher(store, this.owned, { host: hostName(), lease, patience, tell });
    checkouts?.listen(tell);
    this.context = { store, batcher: this.batcher, claims: this.owned, maxJobAttempts };
  }

  get claims(): ClaimStatistics {
    return { won: this.won, lost: this.batcher.beaten, busy: 0 };
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    this.tell = request.tell ?? this.tell;
    this.tellOfOthers(this.tell);
    for (;;) {
      request.signal?.throwIfAborted();
      const claim = this.takeSpare(request);
      if (claim) {
        try {
          claim.checkout = await this.checkouts?.take(this.store.now.commit);
        } catch (error) {
          await claim.release({ unrun: true });
          throw error;
        }
        this.won++;
        return { kind: 'claimed', claim };
      }
      const claimed = await this.batcher.submit<ClaimedJobs>({
        kind: 'jobs',
        claims: true,
        signal: request.signal,
        apply: transaction => {
          if (request.tell) this.advice.give(noticesOf(transaction.table, request), request.tell);
          return claimJobs(transaction, request);
        },
      });
      if ('kind' in claimed) return claimed;
      for (const owned of claimed) this.spares.push(new GitClaim(this.context, owned));
    }
  }

  async *jobs(selection: Selection = {}): AsyncGenerator<readonly Job[]> {
    const matches = jobMatcher(selection);
    const { document, present } = await this.look(true);
    const holder = ({ number }: DocumentJob): Job['holder'] => (present.has(number) ? 'present' : 'absent');
    yield document.jobs.filter(matches).map(job => (isInHand(job.state) ? { ...job, holder: holder(job) } : job));
  }

  async *plan(request: ClaimRequest): AsyncGenerator<readonly Job[]> {
    const { document } = await this.look(false);
    const table = new JobTable(document.jobs, document.barriers, document.lineCount);
    const byLine = new Map(document.jobs.map(job => [job.number, job]));
    for (const line of planLines(table, request)) yield [byLine.get(line) as Job];
  }

  async counts({ known = false }: { readonly known?: boolean } = {}): Promise<Counts> {
    const document = (known && this.store.now.document) || (await this.look(false)).document;
    const counts = { new: 0, claimed: 0, running: 0, done: 0, failed: 0, error: 0, held: 0 };
    for (const { state } of document.jobs) counts[KIND_OF[state] ?? 'held']++;
    const table = new JobTable(document.jobs, document.barriers, document.lineCount);
    return { ...counts, total: document.jobs.length, blocked: outlook(table, {}).blocked };
  }

  async barriers(): Promise<readonly number[]> {
    return (await this.look(false)).document.barriers;
  }

  async set(selection: Selection, state: State, { force = false }: SetOptions = {}): Promise<SetResult> {
    return await this.batcher.submit({
      kind: 'alone',
      needsLeases: !force,
      apply: transaction => setStates(transaction, selection, state, force),
    });
  }

  async append(commands: readonly Buffer[], { state = State.new }: { state?: State } = {}): Promise<void> {
    if (commands.length === 0) return;
    await this.batcher.submit({ kind: 'append', apply: transaction => appendJobs(transaction, commands, state) });
  }

  async reclaim({ tell = this.tell, signal }: ReclaimRequest = {}): Promise<readonly Job[]> {
    const jobs = await this.batcher.submit({ kind: 'alone', needsLeases: true, signal, apply: reclaimJobs });
    this.reclaiming = true;
    this.tellOfOthers(tell);
    return jobs;
  }

  get seen(): number {
    return this.batcher.version;
  }

  get layout(): string {
    const { document } = this.store.now;
    if (document && document !== this.laidOut) {
      if (this.laidOut === undefined || !areAlike(this.laidOut, document)) this.layouts++;
      this.laidOut = document;
    }
    return String(this.layouts);
  }

  async changed(signal: AbortSignal, since = this.seen): Promise<void> {
    signal.throwIfAborted();
    while (this.seen === since) {
      await pause(this.sleep, signal);
      if (this.seen === since) await this.look(false, signal);
      signal.throwIfAborted();
    }
  }

  async close(): Promise<void> {
    try {
      await Promise.all(this.spares.splice(0).map(claim => claim.release({ unrun: true }))).finally(() => this.batcher.close());
    } finally {
      await this.checkouts?.close();
      // Its git process would keep this one alive.
      await this.store.close();
    }
  }

  /** Reports once why jobs were not set back although their runners may be dead. */
  private tellOfOthers(tell: ClaimRequest['tell']): void {
    const { others } = this.batcher;
    if (!this.reclaiming || this.othersTold || others.length === 0 || tell === undefined) return;
    this.othersTold = true;
    for (const { lines, duration, left } of others) {
      const half = duration * LONGEST_SPAN;
      const times = left > half ? `in ${atLeast(half)}, and in ${atLeast(left)}` : `in ${atLeast(left)}`;
      tell({
        kind: 'news',
        message: `${jobsInWords(lines)} claimed by others: set back only when there was no sign of life for ${formatDuration(duration)}`,
        hint: `if those runners are dead, ask again ${times}; --watch or --max-idle has a runner with --reclaim stay for it`,
      });
    }
  }

  /** A spare claim that fits the request. The others are released. */
  private takeSpare({ free, capacity, retry, tried }: ClaimRequest): GitClaim | undefined {
    for (let claim = this.spares.shift(); claim; claim = this.spares.shift()) {
      const { directives, state, id } = claim.job;
      const room = free ?? capacity;
      const wanted = state === State.new || (retry === true && !tried?.has(id));
      if (wanted && claim.isHeld && (room === undefined || fits(directives.needs, room))) return claim;
      void claim.release({ unrun: true }).catch(() => undefined);
    }
    return undefined;
  }

  /** The remote's current state. */
  private async look(needsLeases: boolean, signal?: AbortSignal): Promise<{ document: QueueDocument; present: ReadonlySet<number> }> {
    return await this.batcher.submit({
      kind: 'jobs',
      needsLeases,
      signal,
      apply: ({ document, leases }) => ({ document, present: leases.present }),
    });
  }
}

/** As text, rounded up: a user who returns too early must come again. */
function atLeast(ms: number): string {
  const unit = ms < 60_000 ? 1000 : ms < 86_400_000 ? 60_000 : 3_600_000;
  return formatDuration(Math.ceil(ms / unit) * unit);
}

const KIND_OF: Readonly<Record<State, Exclude<keyof Counts, 'total' | 'blocked'>>> = {
  [State.new]: 'new',
  [State.claimed]: 'claimed',
  [State.running]: 'running',
  [State.done]: 'done',
  [State.failed]: 'failed',
  [State.error]: 'error',
};

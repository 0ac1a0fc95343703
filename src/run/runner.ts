import { after, pause } from '../async/timer.js';
import type { Executor } from '../execute/executor.js';
import { shellExecutor } from '../execute/shell/shell-executor.js';
import { amount } from '../job/amount.js';
import { describeLeftovers } from '../queue/end-messages.js';
import { describeNotice } from '../queue/notices.js';
import type { ClaimRequest, Queue, QueueNotice } from '../queue/queue.js';
import { hostName } from '../system/host.js';
import type { RunEvent, RunSummary } from './events.js';
import { JobWork } from './jobs/job-work.js';
import { RunningJobs } from './jobs/running-jobs.js';
import { endLeftOver, takeOver } from './jobs/take-over.js';
import { TriedJobs } from './jobs/tried-jobs.js';
import { Listeners } from './listeners.js';
import { hostResources } from './resources/host-resources.js';
import type { Resources } from './resources/resources.js';
import type { RunnerOptions } from './runner-options.js';
import { describeFailed } from './stopping/messages.js';
import { OrphanReclaimer } from './stopping/orphan-reclaimer.js';
import { Results } from './stopping/results.js';
import { Stopping } from './stopping/stopping.js';

/** One process's work on a queue: claims jobs and runs up to a number of them at a time. Knows listeners only as receivers of events. */
export class Runner {
  private readonly stopping = new Stopping();
  private readonly tried: TriedJobs;
  /** Consecutive checks that found nothing to do. */
  private idleLooks = 0;
  /** A failure after a job: the queue could not be written. */
  private failure: { readonly error: unknown } | undefined;

  private readonly results: Results;
  private readonly executor: Executor;
  private readonly resources: Resources;
  private readonly running: RunningJobs;
  private readonly work: JobWork;
  private readonly listeners: Listeners;
  private readonly orphans: OrphanReclaimer;

  constructor(
    private readonly queue: Queue,
    private readonly options: RunnerOptions = {},
  ) {
    this.tried = new TriedJobs(queue);
    this.results = new Results(options);
    this.executor = options.executor ?? shellExecutor();
    this.resources = options.resources ?? hostResources();
    this.listeners = new Listeners(options.listeners ?? [], this.stopping.interrupted);
    const emit = (event: RunEvent) => this.emit(event);
    const fail = (error: unknown) => this.fail(error);
    const { executor, stopping, results, tried } = this;
    this.work = new JobWork({ queue, options, executor, host: hostName(), stopping, results, tried, emit, fail });
    this.running = new RunningJobs(options.jobs ?? 1, this.resources, stopping, job => this.work.run(job), fail);
    this.orphans = new OrphanReclaimer(queue, options.reclaim ?? false, (message, hint) => void emit({ type: 'warning', message, hint }));
  }

  /** Number of running jobs. */
  get busy(): number {
    return this.work.busy;
  }

  /** Claims no more jobs; running ones finish. */
  drain(): void {
    this.stopping.drain();
  }

  /**
   * Claims no more jobs, and leaves running those that can go on without a runner, still claimed, for a later runner to attach to. All
   * others finish first.
   */
  detach(): void {
    this.stopping.detach();
  }

  /** Claims no more jobs and ends running ones: TERM, later KILL. */
  interrupt(): void {
    this.stopping.interrupt();
  }

  /** Kills the running jobs. */
  kill(): void {
    this.stopping.kill();
  }

  /** Works until nothing is left to do or it is told to stop. Rejects when the queue fails, after the running jobs have ended. */
  async run(): Promise<RunSummary> {
    try {
      // A claim granted late is released.
      await this.stopping.orGiveUp(this.claimAll(), undefined);
    } catch (error) {
      if (!this.stopping.draining.aborted) this.fail(error);
    }
    await this.running.allEnded();
    if (!this.failure && !this.stopping.interrupted.happened) await endLeftOver(this.queue, this.executor);
    await this.emit({ type: 'summary', ...this.results.summary, claims: this.queue.claims });
    if (this.failure) throw this.failure.error;
    return this.results.summary;
  }

  private async claimAll(): Promise<void> {
    await this.attach();
    if (this.options.attachOnly) return;
    await this.orphans.look('first', this.stopping.draining);
    while (!this.stopping.draining.aborted) {
      const slot = this.running.slots.take();
      if (slot === undefined) {
        if (this.options.detach) return await this.leaveRunning();
        await this.running.ended.next();
        continue;
      }
      // Both are taken before the claim, so that no event during it is missed.
      const ended = this.running.ended.next();
      const { seen } = this.queue;
      const claiming = this.options.retry ? this.tried.claim(this.request()) : this.queue.claim(this.request());
      const result = await claiming.catch((error: unknown) => {
        this.running.slots.give(slot);
        throw error;
      });
      if (result.kind === 'claimed') {
        this.idleLooks = 0;
        this.running.launch(slot, result.claim);
        if (this.options.delay) await pause(this.options.delay, this.stopping.draining);
        continue;
      }
      this.running.slots.give(slot);
      if (this.options.detach) return await this.leaveRunning();
      const leaving = this.isToLeave(result.kind === 'exhausted');
      const orphans = await this.orphans.look(leaving ? 'last' : 'between', this.stopping.draining);
      if (orphans === 'reclaimed') continue;
      if (leaving && orphans !== 'doubtful') {
        await this.lookBack();
        return;
      }
      if (this.options.idle && this.running.size === 0) await pause(this.options.idle.pause, this.stopping.draining);
      // A check for orphans reads the queue again, and thereby any news.
      else await this.news(ended, orphans === 'doubtful' ? this.queue.seen : seen);
    }
  }

  /** Attaches to jobs that earlier runners left running. Each takes a slot, as new ones do. */
  private async attach(): Promise<void> {
    const { queue, executor } = this;
    const { taken, ended } = await takeOver(queue, executor, this.stopping.draining);
    if (ended.length > 0) {
      const message = `${amount(ended.length, 'job')} of an earlier runner ended: the queue says that they no longer run`;
      await this.emit({ type: 'warning', message, hint: `their handles were ${ended.map(({ handle }) => handle).join(', ')}` });
    }
    for (const { claim, handle } of taken) {
      while (this.running.slots.isFull && !this.stopping.draining.aborted) await this.running.ended.next();
      const slot = this.running.slots.take();
      if (slot === undefined) await claim.abandon?.();
      else this.running.launch(slot, claim, handle);
    }
  }

  /** Detaches once all claimed jobs have started: before that, none can go on alone. */
  private async leaveRunning(): Promise<void> {
    await this.running.allBegun();
    this.detach();
  }

  /** @param exhausted whether no job can become claimable any more, as far as the queue knows */
  private isToLeave(exhausted: boolean): boolean {
    const { idle, watch } = this.options;
    if (this.running.size > 0 || watch) return false;
    return idle ? ++this.idleLooks >= idle.looks : exhausted;
  }

  /** Reports what is left and why: a stuck run must not look complete. */
  private async lookBack(): Promise<void> {
    if (this.queue.capabilities.claimsOnly) return;
    const counts = await this.queue.counts();
    this.results.leave(counts.blocked);
    const failed = describeFailed(counts, this.queue.name);
    for (const words of [...(failed ? [failed] : []), ...(await describeLeftovers(this.queue, counts))])
      await this.emit({ type: 'warning', ...words });
  }

  private request(): ClaimRequest {
    const { options, resources, tried } = this;
    const { slots } = this.running;
    return {
      ...(options.retry && { retry: true, tried: tried.ids }),
      capacity: resources.capacity,
      tell: notice => this.pass(notice),
      signal: this.stopping.draining,
      // Read when the queue decides: other jobs may have ended since the request.
      get free() {
        return resources.free;
      },
      get slots() {
        // With pauses between starts, jobs claimed ahead would lie idle. The slot for this request is already taken.
        return options.delay ? 1 : (options.jobs ?? 1) - slots.busy + 1;
      },
    };
  }

  private pass(notice: QueueNotice): void {
    if (notice.kind === 'unusable') this.results.addUnusable();
    void this.emit({ type: 'warning', ...describeNotice(notice) });
  }

  /** Waits until a running job ends or the queue changes. */
  private async news(ended: Promise<void>, seen: number): Promise<void> {
    if (this.stopping.draining.aborted) return;
    const enough = new AbortController();
    const stop = (): void => enough.abort();
    this.stopping.draining.addEventListener('abort', stop, { once: true });
    // The death of a holder changes nothing in the queue: the reclaimer has to check.
    const callOff = this.orphans.patience === undefined ? undefined : after(this.orphans.patience, () => this.running.ended.notify());
    try {
      await Promise.race([this.queue.changed(enough.signal, seen), ended]);
    } finally {
      callOff?.();
      this.stopping.draining.removeEventListener('abort', stop);
      enough.abort();
    }
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.drain();
  }

  private emit(event: RunEvent): void | Promise<void> {
    return this.listeners.tell(event);
  }
}

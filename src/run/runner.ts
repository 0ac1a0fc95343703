import { Notifier } from '../async/notifier.js';
import { after, pause } from '../async/timer.js';
import type { Executor } from '../execute/executor.js';
import { shellExecutor } from '../execute/shell/shell-executor.js';
import { amount } from '../job/amount.js';
import type { Share } from '../job/needs.js';
import { State } from '../job/state.js';
import { describeNotice } from '../queue/notices.js';
import type { Claim, ClaimRequest, Queue, QueueNotice } from '../queue/queue.js';
import { hostName } from '../system/host.js';
import type { RunEvent, RunSummary } from './events.js';
import { record } from './jobs/record.js';
import { outcomeOf, runJob } from './jobs/run-job.js';
import { takeOver } from './jobs/take-over.js';
import { TriedJobs } from './jobs/tried-jobs.js';
import { Listeners } from './listeners.js';
import { hostResources } from './resources/host-resources.js';
import type { Resources } from './resources/resources.js';
import { Slots } from './resources/slots.js';
import type { RunnerOptions } from './runner-options.js';
import { describeBlocked, describeFailed, describeHalt } from './stopping/messages.js';
import { OrphanReclaimer } from './stopping/orphan-reclaimer.js';
import { Results } from './stopping/results.js';
import { Stopping } from './stopping/stopping.js';

const DEFAULT_KILL_AFTER = 10_000;
const DEFAULT_INFRA_RETRIES = 3;

/** What goes along with a job that is run. */
interface Course {
  readonly free: () => void;
  readonly begin: () => void;
  readonly handle: string | undefined;
}

/** One process's work on a queue: claims jobs and runs up to so many of them at a time. Knows no listener, only that there are some. */
export class Runner {
  private readonly slots: Slots;
  private readonly stopping = new Stopping();
  private readonly running = new Set<Promise<void>>();
  /** The job that each slot had last. */
  private readonly lastIn = new Map<number, Promise<void>>();
  private readonly jobEnded = new Notifier();
  private readonly tried: TriedJobs;
  /** Looks in a row that found nothing to do. */
  private idleLooks = 0;
  /** What went wrong in a job's wake: the queue could not be written. */
  private failure: { readonly error: unknown } | undefined;

  private delayTold = false;
  private executing = 0;
  /** Of those in `running`, how many have been started. */
  private begun = 0;

  private readonly host = hostName();
  private readonly results: Results;
  private readonly executor: Executor;
  private readonly resources: Resources;
  private readonly listeners: Listeners;
  private readonly orphans: OrphanReclaimer;

  constructor(
    private readonly queue: Queue,
    private readonly options: RunnerOptions = {},
  ) {
    this.slots = new Slots(options.jobs ?? 1);
    this.tried = new TriedJobs(queue);
    this.results = new Results(options);
    this.executor = options.executor ?? shellExecutor();
    this.resources = options.resources ?? hostResources();
    this.listeners = new Listeners(options.listeners ?? [], this.stopping.interrupted);
    this.orphans = new OrphanReclaimer(
      queue,
      options.reclaim ?? false,
      (message, hint) => void this.emit({ type: 'warning', message, hint }),
    );
  }

  /** How many jobs run now. */
  get busy(): number {
    return this.executing;
  }

  /** Claims no more jobs; those that run go on to their end. */
  drain(): void {
    this.stopping.drain();
  }

  /**
   * Claims no more jobs and leaves those running that can go on without a runner, claimed as they are, for a later runner to attach to. All
   * others go on to their end first.
   */
  detach(): void {
    this.stopping.detach();
  }

  /** Claims no more jobs and ends those that run: TERM, and KILL later. */
  interrupt(): void {
    this.stopping.interrupt();
  }

  /** Ends the jobs that run at once. */
  kill(): void {
    this.stopping.kill();
  }

  /** Works until nothing is left to do, or until it is told to stop. Rejects when the queue fails, after the jobs that run have ended. */
  async run(): Promise<RunSummary> {
    try {
      // A claim that is granted after all is given back.
      await this.stopping.orGiveUp(this.claimAll(), undefined);
    } catch (error) {
      if (!this.stopping.draining.aborted) {
        this.failure ??= { error };
        this.drain();
      }
    }
    await Promise.all(this.running);
    await this.emit({ type: 'summary', ...this.results.summary, claims: this.queue.claims });
    if (this.failure) throw this.failure.error;
    return this.results.summary;
  }

  private async claimAll(): Promise<void> {
    await this.attach();
    if (this.options.attachOnly) return;
    await this.orphans.look('first', this.stopping.draining);
    while (!this.stopping.draining.aborted) {
      const slot = this.slots.take();
      if (slot === undefined) {
        if (this.options.detach) return await this.leaveRunning();
        await this.jobEnded.next();
        continue;
      }
      // Both taken before the claim: what happens while it is made must not be missed.
      const ended = this.jobEnded.next();
      const { seen } = this.queue;
      const claiming = this.options.retry ? this.tried.claim(this.request()) : this.queue.claim(this.request());
      const result = await claiming.catch((error: unknown) => {
        this.slots.give(slot);
        throw error;
      });
      if (result.kind === 'claimed') {
        this.idleLooks = 0;
        this.launch(slot, result.claim);
        if (this.options.delay) await pause(this.options.delay, this.stopping.draining);
        continue;
      }
      this.slots.give(slot);
      if (this.options.detach) return await this.leaveRunning();
      const leaving = this.isToLeave(result.kind === 'exhausted');
      const orphans = await this.orphans.look(leaving ? 'last' : 'between', this.stopping.draining);
      if (orphans === 'reclaimed') continue;
      if (leaving && orphans !== 'doubtful') {
        await this.lookBack();
        return;
      }
      if (this.options.idle && this.running.size === 0) await pause(this.options.idle.pause, this.stopping.draining);
      // To look for orphans is to read the queue again, which shows news that were seen by that.
      else await this.news(ended, orphans === 'doubtful' ? this.queue.seen : seen);
    }
  }

  /** Goes on with what earlier runners have left running. Each job takes a slot, as new ones do. */
  private async attach(): Promise<void> {
    const { queue, executor } = this;
    const { taken, ended } = await takeOver(queue, executor, this.stopping.draining);
    if (ended.length > 0) {
      const message = `${amount(ended.length, 'job')} of an earlier runner ended: the queue says that they no longer run`;
      await this.emit({ type: 'warning', message, hint: `their handles were ${ended.map(({ handle }) => handle).join(', ')}` });
    }
    for (const { claim, handle } of taken) {
      while (this.slots.isFull && !this.stopping.draining.aborted) await this.jobEnded.next();
      const slot = this.slots.take();
      if (slot === undefined) await claim.abandon?.();
      else this.launch(slot, claim, handle);
    }
  }

  /** Detaches once all that was claimed has started: until then there is nothing that could go on alone. */
  private async leaveRunning(): Promise<void> {
    while (this.begun < this.running.size && !this.stopping.draining.aborted) await this.jobEnded.next();
    this.detach();
  }

  /** @param exhausted whether nothing can become claimable any more, as far as the queue knows */
  private isToLeave(exhausted: boolean): boolean {
    const { idle, watch } = this.options;
    if (this.running.size > 0 || watch) return false;
    return idle ? ++this.idleLooks >= idle.looks : exhausted;
  }

  /** Says what is left and why, so that nobody takes a run that got stuck for one that is complete. */
  private async lookBack(): Promise<void> {
    if (this.queue.capabilities.claimsOnly) return;
    const counts = await this.queue.counts();
    const blocked = this.results.leave(counts.blocked);
    const left = blocked > 0 ? describeBlocked(blocked, this.queue.name) : describeFailed(counts, this.queue.name);
    if (left) await this.emit({ type: 'warning', ...left });
  }

  private request(): ClaimRequest {
    const { options, resources, slots, tried } = this;
    return {
      ...(options.retry && { retry: true, tried: tried.ids }),
      capacity: resources.capacity,
      tell: notice => this.pass(notice),
      signal: this.stopping.draining,
      // As it is when the queue decides: other jobs may have ended since it was asked.
      get free() {
        return resources.free;
      },
      get slots() {
        // With pauses between starts, what is claimed ahead would lie idle. The slot that is asked for is taken already.
        return options.delay ? 1 : (options.jobs ?? 1) - slots.busy + 1;
      },
    };
  }

  private pass(notice: QueueNotice): void {
    if (notice.kind === 'unusable') this.results.addUnusable();
    void this.emit({ type: 'warning', ...describeNotice(notice) });
  }

  /** Waits until one of our jobs ends or the queue changes. */
  private async news(ended: Promise<void>, seen: number): Promise<void> {
    if (this.stopping.draining.aborted) return;
    const enough = new AbortController();
    const stop = (): void => enough.abort();
    this.stopping.draining.addEventListener('abort', stop, { once: true });
    // That a holder dies changes nothing in the queue: whoever reclaims has to look.
    const callOff = this.orphans.patience === undefined ? undefined : after(this.orphans.patience, () => this.jobEnded.notify());
    try {
      await Promise.race([this.queue.changed(enough.signal, seen), ended]);
    } finally {
      callOff?.();
      this.stopping.draining.removeEventListener('abort', stop);
      enough.abort();
    }
  }

  private launch(slot: number, claim: Claim, handle?: string): void {
    let hasBegun = false;
    const begin = (): void => {
      if (!hasBegun) this.begun++;
      hasBegun = true;
      if (this.options.detach) this.jobEnded.notify();
    };
    const share = this.shareFor(claim, handle);
    let held = true;
    const free = (): void => {
      if (!held) return;
      held = false;
      this.resources.give(share);
      this.slots.give(slot);
      this.jobEnded.notify();
    };
    // A slot is free before its last job's state is written: what is told of it is told in order all the same.
    const told = this.lastIn.get(slot) ?? Promise.resolve();
    const run = told
      .then(() =>
        this.stopping.draining.aborted && handle === undefined
          ? this.giveBack(claim)
          : this.runToEnd(slot, claim, share, { free, begin, handle }),
      )
      .catch((error: unknown) => {
        this.failure ??= { error };
        this.drain();
      })
      .finally(() => {
        free();
        if (hasBegun) this.begun--;
        this.running.delete(run);
        this.jobEnded.notify();
      });
    this.running.add(run);
    this.lastIn.set(slot, run);
  }

  /** What the job may use: what a scheduler has given it or it holds already, whether or not that fits here; else what is free. */
  private shareFor(claim: Claim, handle: string | undefined): Share {
    const { needs } = claim.job.directives;
    if (claim.share) return this.resources.hold(claim.share);
    const share = this.resources.take(needs);
    if (share !== undefined) return share;
    if (handle === undefined) throw new Error(`job ${claim.job.id} was claimed but does not fit`);
    return this.resources.hold({ needs, gpus: [] });
  }

  /** The runner was told to claim no more while it claimed. */
  private async giveBack(claim: Claim): Promise<void> {
    await this.stopping.orGiveUp<unknown>(claim.release({ unrun: true }), undefined);
  }

  /**
   * @param free gives back what the job was given to run with · @param begin is told that the job has started · @param handle where it runs
   *   already
   */
  private async runToEnd(slot: number, claim: Claim, share: Share, { free, begin, handle }: Course): Promise<void> {
    const { options, stopping } = this;
    const { job } = claim;
    await this.emit({ type: 'claimed', job, slot });
    this.executing++;
    const ending = await runJob({
      claim,
      slot,
      share,
      stopping,
      handle,
      executor: this.executor,
      host: this.host,
      queueAddress: this.queue.address,
      timeout: options.timeout,
      killAfter: options.killAfter ?? DEFAULT_KILL_AFTER,
      tries: options.tries ?? 1,
      infraRetries: options.infraRetries ?? DEFAULT_INFRA_RETRIES,
      emit: event => {
        if (event.type === 'started') begin();
        return this.emit(event);
      },
    })
      .catch(async (error: unknown) => {
        // The executor takes no jobs at all: this one was not run, and stays what it was.
        await stopping.orGiveUp<unknown>(claim.release({ unrun: true }), undefined);
        throw error;
      })
      .finally(() => this.executing--);
    if (!('start' in ending) && !('message' in ending)) {
      await claim.abandon?.();
      return;
    }
    const outcome = outcomeOf(ending, this.host, options.requeue ?? false);
    const { state } = outcome;
    if (options.retry && (state === State.failed || state === State.error)) this.tried.add(job);
    const writing = record(claim, outcome, stopping, () => this.tellDelay());
    // Where writing takes long, this result and the next claim go together; unless this result may forbid the next claim.
    if (!this.results.mayStop) free();
    const result = await writing;
    // Also when it was refused: nobody attaches to what has ended.
    if ('execution' in ending) await ending.execution.forget?.();
    const written = (result.kind === 'recorded' && result.state) || state;
    await this.emit({
      type: 'finished',
      job,
      slot,
      state: written,
      refused: result.kind === 'refused' ? result.reason : undefined,
    });
    if (result.kind === 'refused' || result.incomplete) this.results.addRefused();
    if (result.failure) {
      this.failure ??= { error: result.failure };
      this.drain();
    }
    // A failure that is to be tried again, by whoever takes the job, is none yet.
    if (written === state) this.count(state);
  }

  /** Once: with one job, all that end meanwhile wait. */
  private tellDelay(): void {
    if (this.delayTold) return;
    this.delayTold = true;
    const message = `the results of jobs that have ended cannot be written yet to ${this.queue.name}`;
    void this.emit({
      type: 'warning',
      message,
      hint: 'they are kept, and tried for as long as --patience says; Ctrl-C twice gives them up',
    });
  }

  private count(state: string): void {
    const stop = this.results.add(state);
    if (stop && this.results.isHalted && !this.stopping.draining.aborted)
      void this.emit({ type: 'warning', ...describeHalt(this.results.summary, this.executing, stop) });
    if (stop === 'now') this.interrupt();
    else if (stop === 'soon') this.drain();
  }

  private emit(event: RunEvent): void | Promise<void> {
    return this.listeners.tell(event);
  }
}

import type { Executor } from '../../execute/executor.js';
import { State } from '../../job/state.js';
import type { Queue } from '../../queue/queue.js';
import type { RunEvent } from '../events.js';
import type { RunnerOptions } from '../runner-options.js';
import { describeHalt } from '../stopping/messages.js';
import type { Results } from '../stopping/results.js';
import type { Stopping } from '../stopping/stopping.js';
import { record } from './record.js';
import { outcomeOf, runJob } from './run-job.js';
import type { JobInSlot } from './running-jobs.js';
import type { TriedJobs } from './tried-jobs.js';

const DEFAULT_KILL_AFTER = 10_000;
const DEFAULT_INFRA_RETRIES = 3;

/** What JobWork needs from its runner to work on one job. */
export interface WorkContext {
  readonly queue: Queue;
  readonly options: RunnerOptions;
  readonly executor: Executor;
  readonly host: string;
  readonly stopping: Stopping;
  readonly results: Results;
  readonly tried: TriedJobs;
  emit(event: RunEvent): void | Promise<void>;
  /** The queue can no longer be written: the runner stops and says why. */
  fail(error: unknown): void;
}

/** Runs claimed jobs to their end, records their results, and stops the runner when a result requires it. */
export class JobWork {
  private delayTold = false;
  private executing = 0;

  constructor(private readonly context: WorkContext) {}

  /** Number of running jobs. */
  get busy(): number {
    return this.executing;
  }

  /** Rejects, with the job put back, if the executor accepts no jobs at all. */
  async run(place: JobInSlot): Promise<void> {
    const { claim, slot, share, handle } = place;
    const { options, executor, host, stopping, queue } = this.context;
    await this.context.emit({ type: 'claimed', job: claim.job, slot });
    this.executing++;
    let hasBegun = handle !== undefined;
    const emit = (event: RunEvent): void | Promise<void> => {
      if (event.type === 'started') {
        hasBegun = true;
        place.begin();
      }
      return this.context.emit(event);
    };
    const ending = await runJob({
      claim,
      slot,
      share,
      handle,
      executor,
      host,
      stopping,
      queueAddress: queue.address,
      timeout: options.timeout,
      killAfter: options.killAfter ?? DEFAULT_KILL_AFTER,
      tries: options.tries ?? 1,
      infraRetries: options.infraRetries ?? DEFAULT_INFRA_RETRIES,
      emit,
    })
      .catch(async (error: unknown) => {
        if (!hasBegun) await stopping.orGiveUp<unknown>(claim.release({ unrun: true }), undefined);
        throw error;
      })
      .finally(() => this.executing--);
    if (ending.outcome.kind === 'detached') await claim.abandon?.();
    else await this.record(place, ending as Parameters<typeof outcomeOf>[0]);
  }

  private async record({ claim, slot, free }: JobInSlot, ending: Parameters<typeof outcomeOf>[0]): Promise<void> {
    const { options, host, stopping, results, tried, emit, fail } = this.context;
    const { job } = claim;
    const outcome = outcomeOf(ending, host, options.requeue ?? false);
    const { state } = outcome;
    if (options.retry && (state === State.failed || state === State.error)) tried.add(job);
    const writing = record(claim, outcome, stopping, () => this.tellDelay());
    // Where writes are slow, this result and the next claim go together, unless this result may rule out another claim.
    if (!results.mayStop) free();
    const result = await writing;
    // Also when the result was refused: no runner attaches to an ended job.
    if ('execution' in ending) await ending.execution.forget?.();
    const written = (result.kind === 'recorded' && result.state) || state;
    const refused = result.kind === 'refused' ? result.reason : undefined;
    await emit({ type: 'finished', job, slot, state: written, refused });
    if (result.kind === 'refused' || result.incomplete) results.addRefused();
    if (result.failure) fail(result.failure);
    // A failure that will be retried, by any runner, does not count yet.
    if (written === state) this.count(state);
  }

  /** Once: with one job, all jobs that end meanwhile wait. */
  private tellDelay(): void {
    if (this.delayTold) return;
    this.delayTold = true;
    const message = `the results of jobs that have ended cannot be written yet to ${this.context.queue.name}`;
    const hint = 'they are kept, and tried for as long as --patience says; Ctrl-C twice gives them up';
    void this.context.emit({ type: 'warning', message, hint });
  }

  private count(state: string): void {
    const { results, stopping, emit } = this.context;
    const stop = results.add(state);
    if (stop && results.isHalted && !stopping.draining.aborted)
      void emit({ type: 'warning', ...describeHalt(results.summary, this.executing, stop) });
    if (stop === 'now') stopping.interrupt();
    else if (stop === 'soon') stopping.drain();
  }
}

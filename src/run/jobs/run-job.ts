import { pause } from '../../async/timer.js';
import { errnoName, RunmakerError } from '../../errors.js';
import type { Execution, Executor, Task, TaskNotice } from '../../execute/executor.js';
import type { Share } from '../../job/needs.js';
import { type FinalState, State } from '../../job/state.js';
import type { Claim } from '../../queue/queue.js';
import type { Attempt, Outcome, RunEvent } from '../events.js';
import type { Stopping } from '../stopping/stopping.js';
import { type Detached, isSuccess, watch } from './attempt.js';
import type { RecordedOutcome } from './record.js';

/** All that is needed to run one claimed job. Times in ms. */
export interface JobRun {
  readonly claim: Claim;
  readonly slot: number;
  readonly share: Share;
  readonly executor: Executor;
  readonly host: string;
  /** Passed to the job. */
  readonly queueAddress: string;
  readonly timeout?: number | undefined;
  readonly killAfter: number;
  /** Runs in all before a failing job counts as failed. */
  readonly tries: number;
  /** How often the job may restart after it was lost through no fault of its own; counted separately from `tries`. */
  readonly infraRetries: number;
  readonly stopping: Stopping;
  /** Where the job already runs: an earlier runner started it. */
  readonly handle?: string | undefined;
  emit(event: RunEvent): void | Promise<void>;
}

/** How a job ended: with its last attempt, or without one. */
export type Ending =
  | { readonly outcome: Outcome; readonly start: number; readonly end: number; readonly execution: Execution }
  | { readonly outcome: Detached }
  | { readonly outcome: NotStarted; readonly message: string };

/** `interrupted`: the runner was told to stop during a slow start, such as the pull of an image. */
interface NotStarted {
  readonly kind: 'notStarted';
  readonly interrupted: boolean;
}

/** Processes, memory or descriptors may run out for a moment: that does not fail a job. */
const SHORTAGES = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);
const SHORTAGE_PAUSE = 1000;
const SHORTAGE_TRIES = 30;

/** Runs a claimed job until it succeeds, exhausts its tries, or is interrupted. Returns how it ended. */
export async function runJob(run: JobRun): Promise<Ending> {
  const { claim, slot, stopping } = run;
  const timeout = claim.job.directives.timeout ?? run.timeout;
  const tries = claim.job.directives.retries ?? run.tries;
  let losses = 0;
  for (let attempt = 1; ; attempt++) {
    // The attempt is known only once it has started, and it may print before that.
    const about: { attempt?: Attempt } = {};
    let beginning: Beginning;
    try {
      beginning =
        attempt === 1 && run.handle !== undefined ? await attachTo(run, run.handle, about) : await startPatiently(run, attempt, about);
    } catch (error) {
      if (!(error instanceof RunmakerError) || error.code !== 'start') throw error;
      await run.emit({ type: 'notStarted', job: claim.job, slot, message: error.message });
      return { outcome: { kind: 'notStarted', interrupted: stopping.interrupted.happened }, message: error.message };
    }
    const { execution, start, began } = beginning;
    const started: Attempt = {
      job: claim.job,
      slot,
      attempt,
      label: execution.label,
      host: run.host,
      pid: execution.pid,
      handle: execution.handle,
      start,
    };
    about.attempt = started;
    await run.emit({ type: 'started', ...started });
    await claim.note?.(execution.handle);
    const outcome = await watch(execution, { timeout, killAfter: run.killAfter }, stopping);
    if (outcome.kind === 'detached') {
      await run.emit({ type: 'detached', ...started });
      return { outcome };
    }
    // A draining runner finishes jobs it has begun, which includes their remaining tries.
    const wasLost = outcome.kind === 'lost' && outcome.retry === true && losses < run.infraRetries;
    const again = !isSuccess(outcome) && (wasLost || attempt - losses < tries) && !stopping.interrupted.happened;
    if (wasLost) losses++;
    // The system clock may be set while the job runs; the elapsed time decides.
    const end = start + Math.round(performance.now() - began);
    await run.emit({ type: 'ended', ...started, outcome, end, again });
    if (!again) return { outcome, start, end, execution };
    await execution.forget?.();
  }
}

/** The start of an attempt, by the system clock and by the monotonic clock. */
interface Beginning {
  readonly execution: Execution;
  readonly start: number;
  readonly began: number;
}

/**
 * Attaches to a job that an earlier runner started.
 * @throws RunmakerError `start` when the executor has lost it: it may have finished, so it is not started again
 */
async function attachTo(run: JobRun, handle: string, about: { attempt?: Attempt }): Promise<Beginning> {
  const [now, began] = [Date.now(), performance.now()];
  const execution = await run.executor.attach?.(handle, taskFor(run, 1, about));
  if (execution === undefined) throw new RunmakerError('start', `an earlier runner has started it (${handle}), and its end is not known`);
  const start = execution.start ?? now;
  return { execution, start, began: began - (now - start) };
}

async function startPatiently(run: JobRun, attempt: number, about: { attempt?: Attempt }): Promise<Beginning> {
  for (let tried = 1; ; tried++) {
    const start = Date.now();
    const began = performance.now();
    const letGo = run.claim.holdPresence?.();
    try {
      const execution = await run.executor.start(taskFor(run, attempt, about));
      return { execution, start, began };
    } catch (error) {
      const shortage = error instanceof RunmakerError && SHORTAGES.has(errnoName(error.cause) ?? '');
      if (!shortage || tried === SHORTAGE_TRIES || run.stopping.interrupted.happened) throw error;
    } finally {
      letGo?.();
    }
    await pause(SHORTAGE_PAUSE);
  }
}

function taskFor(run: JobRun, attempt: number, about: { attempt?: Attempt }): Task {
  const { job, directory, presence } = run.claim;
  return {
    job,
    queue: run.queueAddress,
    attempt,
    share: run.share,
    timeout: job.directives.timeout ?? run.timeout,
    environment: environmentFor(run, attempt),
    directory,
    presence,
    output: (stream, bytes) => (about.attempt ? run.emit({ type: 'output', ...about.attempt, stream, bytes }) : undefined),
    tell: notice =>
      void run.emit(notice.kind === 'progress' ? { type: 'preparing', job, slot: run.slot, text: notice.text } : warningOf(notice)),
    signal: run.stopping.interrupting,
  };
}

function warningOf({ message, hint }: Extract<TaskNotice, { kind: 'warning' }>): RunEvent {
  return { type: 'warning', message, hint };
}

function environmentFor(run: JobRun, attempt: number): Record<string, string> {
  return {
    RUNMAKER_QUEUE: run.queueAddress,
    RUNMAKER_JOB: run.claim.job.id,
    RUNMAKER_SLOT: String(run.slot),
    RUNMAKER_ATTEMPT: String(attempt),
    RUNMAKER_HOST: run.host,
    ...run.claim.environment,
    ...(run.share.gpus.length > 0 && { CUDA_VISIBLE_DEVICES: run.share.gpus.join(',') }),
  };
}

/** The outcome as reported to the queue. @param host where the runner is */
export function outcomeOf(ending: Exclude<Ending, { outcome: Detached }>, host: string, requeue: boolean): RecordedOutcome {
  const state = stateAfter(ending.outcome, requeue);
  if (!('execution' in ending)) return { state, host, message: ending.message };
  const { outcome, start, end, execution } = ending;
  return { state, host, start, end, handle: execution.handle, exit: 'exit' in outcome ? outcome.exit : outcome };
}

/** The final state of a job. An interrupted one is an error, or new again if the runner puts jobs back. */
export function stateAfter(outcome: Outcome | NotStarted, requeue: boolean): FinalState | typeof State.new {
  switch (outcome.kind) {
    case 'exited':
      return outcome.code === 0 ? State.done : State.failed;
    case 'signalled':
    case 'killed':
    case 'timedOut':
      return State.failed;
    case 'interrupted':
      return requeue ? State.new : State.error;
    case 'notStarted':
      return requeue && outcome.interrupted ? State.new : State.error;
    case 'lost':
      return State.error;
  }
}

import os from 'node:os';
import { amount } from '../../job/amount.js';
import type { Warn } from '../../report/output/write-failure.js';
import type { Runner } from '../../run/runner.js';
import { isStartedByNohup } from '../../system/nohup.js';

/** Batch systems send these when a limit approaches; unhandled, they would end the process and leave its jobs behind. */
const LIKE_TERM = ['SIGTERM', 'SIGXCPU', 'SIGXFSZ', 'SIGALRM', 'SIGVTALRM', 'SIGIO', 'SIGPWR'] as const;
const LIKE_INT = ['SIGINT', 'SIGQUIT', ...LIKE_TERM] as const;
const LIKE_HUP = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/** How a program that runs jobs responds to signals, and its exit status after one. */
export interface SignalWatch {
  /** From now on, passes signals on to this runner and tells the user what they do. */
  guide(runner: Runner, warn: Warn): void;
  /** If the runner was interrupted, 128 and the signal's number: usually 130 or 143. */
  exitStatus(): number | undefined;
  /** Whether the runner was told to end at once: nothing more is waited for. */
  readonly isUrgent: boolean;
  /** The work is done: from now on signals end the program as they would any process. */
  release(): void;
}

/**
 * INT, TERM and the like end the running jobs gently; QUIT, or a second INT, at once. HUP, USR1 and USR2 drain: claim no more jobs and let
 * running ones finish; they never end the program otherwise, however early or late they come. A program started by nohup(1) is to outlive
 * its terminal, and ignores HUP.
 *
 * Must be called first of all: until then HUP and USR2 end the program, and USR1 makes Node open its debugger.
 */
export function heedSignals(): SignalWatch {
  let runner: Runner | undefined;
  let warn: Warn = () => undefined;
  let isToDrain = false;
  let status: number | undefined;
  let isUrgent = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    if (status === undefined && runner && runner.busy > 0) {
      warn(`${signal}: ${amount(runner.busy, 'job')} told to end, and killed after --kill-after`, 'Ctrl-C once more kills at once');
    }
    const atOnce = signal === 'SIGQUIT' || (status !== undefined && signal === 'SIGINT');
    status ??= 128 + os.constants.signals[signal];
    runner?.interrupt();
    if (!atOnce) return;
    isUrgent = true;
    runner?.kill();
  };
  const drain = (): void => {
    if (!isToDrain && runner && runner.busy > 0) warn(`draining: ${amount(runner.busy, 'job')} let end, and no more started`);
    isToDrain = true;
    runner?.drain();
  };
  const isToOutlive = isStartedByNohup();
  for (const signal of LIKE_HUP) process.on(signal, signal === 'SIGHUP' && isToOutlive ? () => undefined : drain);
  return {
    guide(guided, warns) {
      runner = guided;
      warn = warns;
      for (const signal of LIKE_INT) process.on(signal, interrupt);
      if (isToDrain) runner.drain();
      // It takes longer to load than a job takes to start.
      setImmediate(() => void refuseDebugger(drain));
    },
    exitStatus: () => status,
    get isUrgent() {
      return isUrgent;
    },
    release() {
      for (const signal of LIKE_INT) process.off(signal, interrupt);
    },
  };
}

/** A USR1 that arrived before its handler was set has opened a debugging port to all users of the host: close it. */
async function refuseDebugger(drain: () => void): Promise<void> {
  const asked = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(option => option.includes('--inspect'));
  if (asked) return;
  // Some builds of Node lack it.
  const inspector = await import('node:inspector').catch(() => undefined);
  if (inspector?.url() === undefined) return;
  inspector.close();
  drain();
}

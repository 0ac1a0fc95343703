import os from 'node:os';
import type { Runner } from '../run/runner.js';

/** Batch systems send these when a limit comes near, and they would end any process that does not heed them: left behind would be its jobs. */
const LIKE_TERM = ['SIGTERM', 'SIGXCPU', 'SIGXFSZ', 'SIGALRM', 'SIGVTALRM', 'SIGIO', 'SIGPWR'] as const;
const LIKE_HUP = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/** What a runner does when it is told to stop, and how that shows in its exit status. */
export interface SignalWatch {
  /** If the runner was interrupted, 128 and the signal's number: 130 or 143 mostly. */
  exitStatus(): number | undefined;
  /** Whether the runner was told to end at once: nothing is to be waited for any more. */
  readonly isUrgent: boolean;
  /** Signals mean again what they mean to every process. */
  ignore(): void;
}

/**
 * INT, TERM and their like: end the running jobs gently; QUIT, and a second INT: at once. HUP, USR1 and USR2: drain, that is
 * claim no more and let the running jobs end.
 */
export function heedSignals(runner: Runner): SignalWatch {
  let status: number | undefined;
  let isUrgent = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    const atOnce = signal === 'SIGQUIT' || (status !== undefined && signal === 'SIGINT');
    status ??= 128 + os.constants.signals[signal];
    runner.interrupt();
    if (!atOnce) return;
    isUrgent = true;
    runner.kill();
  };
  const drain = (): void => runner.drain();
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ...(['SIGINT', 'SIGQUIT', ...LIKE_TERM] as const).map((signal): [NodeJS.Signals, typeof interrupt] => [signal, interrupt]),
    ...LIKE_HUP.map((signal): [NodeJS.Signals, typeof drain] => [signal, drain]),
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    exitStatus: () => status,
    get isUrgent() {
      return isUrgent;
    },
    ignore() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

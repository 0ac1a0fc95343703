import type { Runner } from '../run/runner.js';

/** Exit statuses of programs that a signal ended: 128 and its number. */
const ENDED_BY = { SIGINT: 130, SIGTERM: 143 } as const;

/** What a runner does when it is told to stop, and how that shows in its exit status. */
export interface SignalWatch {
  /** 130 or 143 if the runner was interrupted. */
  exitStatus(): number | undefined;
  /** Signals mean again what they mean to every process. */
  ignore(): void;
}

/**
 * INT or TERM: end the running jobs gently, and a second INT: at once. HUP or USR1: drain, that is claim no more and let the
 * running jobs end.
 */
export function heedSignals(runner: Runner): SignalWatch {
  let status: number | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    if (status !== undefined && signal === 'SIGINT') runner.kill();
    status ??= ENDED_BY[signal as keyof typeof ENDED_BY];
    runner.interrupt();
  };
  const drain = (): void => runner.drain();
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ['SIGINT', interrupt],
    ['SIGTERM', interrupt],
    ['SIGHUP', drain],
    ['SIGUSR1', drain],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    exitStatus: () => status,
    ignore() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

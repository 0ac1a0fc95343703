import { after } from '../../async/timer.js';
import type { Execution, Exit } from '../../execute/executor.js';
import type { Outcome } from '../events.js';
import type { Stopping } from '../stopping/stopping.js';

/**
 * Longest wait after KILL, in ms: processes that left the job's group may keep its outputs open, or a failing disk may keep a process
 * alive.
 */
const STRAY_PATIENCE = 1000;

/** When to end an execution that does not end by itself. Times in ms. */
export interface Limits {
  readonly timeout?: number | undefined;
  /** From TERM to KILL. */
  readonly killAfter: number;
}

/**
 * Follows an execution to its end, and ends it on timeout or when the runner stops: TERM first, KILL later. Background processes of an
 * execution that ends by itself are left alone; those of an execution that was told to end are all killed. When the runner detaches, an
 * execution that can go on without it is left running.
 */
export async function watch(execution: Execution, limits: Limits, stopping: Stopping): Promise<Outcome | Detached> {
  let reason: 'timedOut' | 'interrupted' | undefined;
  const calledOff: (() => void)[] = [];

  const kill = (): void => {
    execution.kill('SIGKILL');
    calledOff.push(after(STRAY_PATIENCE, () => execution.abandon()));
  };
  const terminate = (why: 'timedOut' | 'interrupted'): void => {
    if (reason !== undefined) return;
    reason = why;
    execution.kill('SIGTERM');
    // A stopped process receives TERM only once it continues.
    execution.kill('SIGCONT');
    calledOff.push(after(limits.killAfter, kill));
  };

  calledOff.push(stopping.interrupted.listen(() => terminate('interrupted')));
  calledOff.push(
    stopping.killed.listen(() => {
      reason ??= 'interrupted';
      kill();
    }),
  );
  if (limits.timeout !== undefined && !execution.limitsTime) calledOff.push(after(limits.timeout, () => terminate('timedOut')));

  const detached = new Promise<'detached'>(resolve => {
    calledOff.push(stopping.detached.listen(() => void execution.detach?.().then(() => resolve('detached'))));
  });

  const exit: Exit | 'detached' = await Promise.race([execution.exit, detached]);
  if (exit === 'detached') {
    for (const callOff of calledOff) callOff();
    return { kind: 'detached' };
  }
  // Other processes of the group may ignore TERM: KILL must still reach them.
  if (reason !== undefined) await execution.gone?.();
  for (const callOff of calledOff) callOff();
  // Even with status 0: a job that was signalled may have exited early, and cleanly.
  if (reason === undefined) return exit;
  return reason === 'timedOut' ? { kind: 'timedOut', after: limits.timeout as number, exit } : { kind: 'interrupted', exit };
}

/** The runner no longer follows the execution, which keeps running. */
export interface Detached {
  readonly kind: 'detached';
}

/** Whether the attempt succeeded. */
export function isSuccess(outcome: Outcome): boolean {
  return outcome.kind === 'exited' && outcome.code === 0;
}

import { after } from '../../async/timer.js';
import type { Execution, Exit } from '../../execute/executor.js';
import type { Outcome } from '../events.js';
import type { Stopping } from '../stopping/stopping.js';

/** After KILL, processes that fled the job's group may keep its outputs open, or a sick disk a process alive: so long, in ms, they are waited for. */
const STRAY_PATIENCE = 1000;

/** When to end an execution that does not end by itself. Times in ms. */
export interface Limits {
  readonly timeout?: number | undefined;
  /** From TERM to KILL. */
  readonly killAfter: number;
}

/**
 * Watches an execution to its end, and ends it when its time is up or the runner stops: TERM first, KILL later. What an execution that
 * ends by itself leaves in the background is let be; of one that was told to end nothing is left. One that can go on without its runner is
 * left alone when the runner detaches.
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
    // A stopped process gets to see TERM only when it goes on.
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
  // Others of its group may heed no TERM: KILL is still to come for them.
  if (reason !== undefined) await execution.gone?.();
  for (const callOff of calledOff) callOff();
  // Even if its status is 0: a job that was told to end may have ended early, and only says that it did so in good order.
  if (reason === undefined) return exit;
  return reason === 'timedOut' ? { kind: 'timedOut', after: limits.timeout as number, exit } : { kind: 'interrupted', exit };
}

/** The runner follows the execution no more, and it goes on. */
export interface Detached {
  readonly kind: 'detached';
}

/** Whether a process did what it was to do. */
export function isSuccess(outcome: Outcome): boolean {
  return outcome.kind === 'exited' && outcome.code === 0;
}

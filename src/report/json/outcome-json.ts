import type { Exit } from '../../job/outcome.js';
import type { Outcome } from '../../run/events.js';

/** How an attempt ended, as programs read it. */
export interface OutcomeJson {
  /** `timedOut` and `interrupted`: ended by the runner; `exit` or `signal` say how it took that. */
  readonly outcome: Outcome['kind'];
  /** Exit status; null for a job that a signal has killed, or that was never started. */
  readonly exit: number | null;
  /** Number of the signal that killed it, or null. */
  readonly signal: number | null;
  /** Why its executor has ended it (`killed`), or does not know how it ended (`lost`); else absent. */
  readonly reason?: string;
}

/** Flattens an outcome. */
export function outcomeJson(outcome: Outcome): OutcomeJson {
  const exit = exitOf(outcome);
  return {
    outcome: outcome.kind,
    exit: exit.kind === 'exited' ? exit.code : null,
    signal: exit.kind === 'signalled' ? exit.signal : null,
    ...('reason' in exit && { reason: exit.reason }),
  };
}

function exitOf(outcome: Outcome): Exit {
  switch (outcome.kind) {
    case 'timedOut':
    case 'interrupted':
      return outcome.exit;
    default:
      return outcome;
  }
}

import type { Exit } from '../../job/outcome.js';
import type { Outcome } from '../../run/events.js';

/** How an attempt ended, for programs to read. */
export interface OutcomeJson {
  /** For `timedOut` and `interrupted` the runner ended the attempt; `exit` or `signal` say how the job ended then. */
  readonly outcome: Outcome['kind'];
  /** Exit status; null for a job killed by a signal or never started. */
  readonly exit: number | null;
  /** Number of the signal that killed it, or null. */
  readonly signal: number | null;
  /** Why its executor ended it (`killed`) or does not know how it ended (`lost`); otherwise absent. */
  readonly reason?: string;
}

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

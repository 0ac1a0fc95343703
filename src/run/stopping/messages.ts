import { amount } from '../../job/amount.js';
import type { Counts } from '../../job/state.js';
import type { Words } from '../../queue/end-messages.js';
import type { RunSummary } from '../events.js';
import type { HaltManner } from './halt.js';

/** Reports jobs that failed under any runner: the same command does not run them again. Undefined when there are none. */
export function describeFailed({ failed, error }: Counts, queue: string): Words | undefined {
  const parts = [failed > 0 && `${amount(failed, 'job')} failed`, error > 0 && `${amount(error, 'job')} did not run to the end`].filter(
    Boolean,
  );
  if (parts.length === 0) return undefined;
  return {
    message: `${queue}: ${parts.join(', ')}`,
    hint: `see runset --list --state failed,error ${queue}; to run them again: runmaker --retry ${queue}`,
  };
}

/** Reports that a run halts because of its jobs' outcomes. @param running jobs in progress */
export function describeHalt({ succeeded, failed, errors }: RunSummary, running: number, manner: HaltManner): Words {
  const jobs =
    running === 0
      ? ''
      : `; ${amount(running, 'job')} that ${running === 1 ? 'runs' : 'run'} ${manner === 'now' ? 'told to end' : 'let end'}`;
  return { message: `halted, as --halt says: ${succeeded} done, ${failed + errors} failed${jobs}`, hint: 'no more are started' };
}

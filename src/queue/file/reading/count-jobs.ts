import { setTimeout } from 'node:timers/promises';
import { outlook } from '../../../job/readiness.js';
import { type Counts, State } from '../../../job/state.js';
import type { FileView } from './file-view.js';
import type { LineIndex } from './line-index.js';

/**
 * How many jobs are in each state. A file that somebody may have saved only half of is not said to be at its end, or to hold no
 * jobs: the rest of it is waited for.
 * @param known whether that is of no importance, and what is there now will do
 */
export async function countJobs(view: FileView, known: boolean): Promise<Counts> {
  for (;;) {
    await view.look();
    const counts = countsIn(await view.index());
    const isAtEnd = counts.new - counts.blocked + counts.claimed + counts.running === 0;
    if (known || !isAtEnd || !view.mayBeHalfSaved) return counts;
    await setTimeout(view.pause());
  }
}

function countsIn(index: LineIndex): Counts {
  const byState = index.countStates();
  const of = (state: string): number => byState[state.charCodeAt(0)] as number;
  const total = byState.reduce((sum, count) => sum + count, 0);
  const counts = {
    new: of(State.new),
    claimed: of(State.claimed),
    running: of(State.running),
    done: of(State.done),
    failed: of(State.failed),
    error: of(State.error),
  };
  const known = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { ...counts, held: total - known, total, blocked: index.mayBlock ? outlook(index, {}).blocked : 0 };
}

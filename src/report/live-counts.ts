import type { Counts, State } from '../job/state.js';
import { State as S } from '../job/state.js';
import type { RunEvent } from '../run/events.js';

type Kind = Exclude<keyof Counts, 'total' | 'blocked'>;

const KIND_OF: Readonly<Record<State, Kind>> = {
  [S.new]: 'new',
  [S.claimed]: 'claimed',
  [S.running]: 'running',
  [S.done]: 'done',
  [S.failed]: 'failed',
  [S.error]: 'error',
};

/**
 * What counts become through an event of one's own runner, so that a display need not wait for the next look at the queue.
 * Events that change no state leave them as they are.
 */
export function countsAfter(counts: Counts, event: RunEvent): Counts {
  if (event.type === 'claimed') {
    // Queues may hand out the job as it was before the claim or after it.
    const from = event.job.state === S.running ? 'new' : (KIND_OF[event.job.state] ?? 'held');
    return moved(counts, from, 'running');
  }
  if (event.type === 'finished' && event.refused === undefined) return moved(counts, 'running', KIND_OF[event.state] ?? 'held');
  return counts;
}

function moved(counts: Counts, from: Kind, to: Kind): Counts {
  if (from === to || counts[from] === 0) return counts;
  return { ...counts, [from]: counts[from] - 1, [to]: counts[to] + 1 };
}

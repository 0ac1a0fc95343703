import { pause } from '../async/timer.js';
import type { Job } from '../job/job.js';
import { doubtNotice, findOrphans, nameJobs } from './orphans.js';
import type { Queue, ReclaimRequest } from './queue.js';

/** Most looks at possible orphans before it gives up on certainty. */
const MOST_LOOKS = 8;

/**
 * Sets orphans back to `.`, and looks again until it is sure of all possible orphans, unless the file is edited all the time. Yields
 * reclaimed jobs as they are set back. Returns whether all orphans are known to be set back; if not, `tell` has received the rest.
 */
export async function* reclaimAll(
  queue: Queue,
  tell: NonNullable<ReclaimRequest['tell']>,
): AsyncGenerator<readonly Job[], { readonly isSure: boolean }> {
  const { presenceReturns } = queue.capabilities;
  for (let looks = 1; ; looks++) {
    yield await queue.reclaim({ tell });
    const doubtful = presenceReturns === undefined ? [] : await findOrphans(queue);
    if (presenceReturns === undefined || doubtful.length === 0) return { isSure: true };
    if (looks === MOST_LOOKS) {
      const message = `${nameJobs(doubtful)} may be orphaned, and nothing proves it: the file is edited again and again`;
      tell({ kind: 'news', message, hint: 'try again later' });
      return { isSure: false };
    }
    if (looks === 1) tell({ kind: 'news', ...doubtNotice(doubtful, presenceReturns) });
    await pause(presenceReturns);
  }
}

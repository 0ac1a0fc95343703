import type { Counts } from '../../job/state.js';
import { type ProgressStyle, remaining, timeLeftText } from './progress.js';

/**
 * `12 of 40 done, 2 failed, 4 running, 3m left`, where failed means `!` and `e`. Counts all jobs of the queue, of all runners.
 *
 * @param left milliseconds; undefined if unknown: the last part is omitted
 */
export function runProgressText(counts: Counts, left?: number): string {
  const parts = [`${counts.done} of ${counts.total} done`, `${counts.failed + counts.error} failed`, `${counts.running} running`];
  if (left !== undefined) parts.push(timeLeftText(left));
  return parts.join(', ');
}

/** What `runmaker` shows on a terminal while jobs run. Removed at the end. */
export const RUN_PROGRESS: ProgressStyle = {
  text: (counts, rate) => runProgressText(counts, rate.timeFor(remaining(counts))),
  stays: false,
};

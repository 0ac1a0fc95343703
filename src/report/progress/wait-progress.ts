import { type Counts, processed } from '../../job/state.js';
import { type ProgressStyle, remaining, timeLeftText } from './progress.js';
import { formatRate, type RateMeter } from './rate.js';

/** Width of the bar in characters. */
const WIDTH = 16;

/**
 * What `runwait -p` prints for each change when not on a terminal, in the older program's words:
 *
 *     progress:  12 of  40 jobs processed, 2 errors [====!>          ]
 */
export function progressLine(counts: Counts): string {
  const done = String(processed(counts)).padStart(3);
  const total = String(counts.total).padStart(3);
  return `progress: ${done} of ${total} jobs processed, ${counts.failed + counts.error} errors [${progressBar(counts)}]`;
}

/** `=` done, `e` error, `!` failed, `>` running, blank for the rest; each part rounded down. */
export function progressBar(counts: Counts): string {
  const part = (mark: string, count: number) => mark.repeat(counts.total === 0 ? 0 : Math.floor((WIDTH * count) / counts.total));
  const parts = part('=', counts.done) + part('e', counts.error) + part('!', counts.failed) + part('>', counts.running);
  return parts.padEnd(WIDTH);
}

/** `[====!>          ] 12 of 40 jobs processed, 2 errors, 2.5/min, 3m left`; unknown parts are omitted. */
export function waitProgressText(counts: Counts, meter: RateMeter): string {
  const parts = [`${processed(counts)} of ${counts.total} jobs processed`, `${counts.failed + counts.error} errors`];
  const { rate } = meter;
  const left = meter.timeFor(remaining(counts));
  if (rate !== undefined) parts.push(formatRate(rate));
  if (left !== undefined) parts.push(timeLeftText(left));
  return `[${progressBar(counts)}] ${parts.join(', ')}`;
}

/** What `runwait -p` shows on a terminal: a bar that stays at the end. */
export const WAIT_PROGRESS: ProgressStyle = { text: waitProgressText, stays: true };

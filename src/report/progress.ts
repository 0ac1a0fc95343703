import { formatDuration } from '../job/duration.js';
import { type Counts, processed } from '../job/state.js';
import type { LastLine } from './last-line.js';
import { LiveLine } from './live-line.js';
import { Pace } from './pace.js';

/** What a display of progress needs to know about the world. */
export interface ProgressOptions {
  /** The terminal's width now; 0 if it does not say. */
  readonly columns: () => number;
  /** Milliseconds. Default: the process's clock. */
  readonly now?: () => number;
}

/**
 * `12 of 40 done, 2 failed, 4 running, 3m left`, where failed are `!` and `e`. Counts all jobs of the queue, whoever runs them.
 *
 * @param left milliseconds; the last part is left out when nobody can say
 */
export function runProgressText(counts: Counts, left?: number): string {
  const parts = [`${counts.done} of ${counts.total} done`, `${counts.failed + counts.error} failed`, `${counts.running} running`];
  if (left !== undefined) parts.push(timeLeftText(left));
  return parts.join(', ');
}

/** `3m left`. In whole seconds, because it is only an estimate. */
export function timeLeftText(ms: number): string {
  return `${formatDuration(Math.ceil(ms / 1000) * 1000)} left`;
}

/** Jobs that are going to be run: not those that are held or can never start. */
export function remaining(counts: Counts): number {
  return counts.new + counts.claimed + counts.running - counts.blocked;
}

/** The line at the bottom of the terminal while jobs run. It appears with the first counts, and nothing of it stays in the end. */
export class RunProgress {
  readonly #live: LiveLine;
  readonly #pace: Pace;
  #counts: Counts | undefined;

  /** @param line what the console prints through as well */
  constructor(line: LastLine, options: ProgressOptions) {
    this.#pace = new Pace(options.now ?? (() => performance.now()));
    this.#live = new LiveLine(line, options.columns, () => this.#text());
  }

  /** Tells how many jobs are in which state, as read from the queue: other runners work on it as well. */
  update(counts: Counts): void {
    const first = this.#counts === undefined;
    this.#counts = counts;
    this.#pace.note(processed(counts));
    this.#live.update();
    if (first) this.#live.start();
  }

  /** Takes the line away. */
  async close(): Promise<void> {
    if (this.#counts !== undefined) this.#live.stop();
    this.#counts = undefined;
  }

  #text(): string {
    const counts = this.#counts;
    return counts === undefined ? '' : runProgressText(counts, this.#pace.timeFor(remaining(counts)));
  }
}

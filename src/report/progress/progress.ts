import { formatDuration } from '../../job/duration.js';
import { type Counts, processed } from '../../job/state.js';
import type { LastLine } from './last-line.js';
import { LiveLine } from './live-line.js';
import { RateMeter } from './rate.js';

/** The environment of a progress display. */
export interface ProgressOptions {
  /** The terminal's current width; 0 if it reports none. */
  readonly columns: () => number;
  /** Milliseconds. Default: the process's clock. */
  readonly now?: () => number;
}

/** What a progress display shows, and whether its last text stays on the terminal. */
export interface ProgressStyle {
  text(counts: Counts, rate: RateMeter): string;
  readonly stays: boolean;
}

/** `3m left`. Whole seconds, because it is only an estimate. */
export function timeLeftText(ms: number): string {
  return `${formatDuration(Math.ceil(ms / 1000) * 1000)} left`;
}

/** Jobs still to run, without those that are held or can never start. */
export function remaining(counts: Counts): number {
  return counts.new + counts.claimed + counts.running - counts.blocked;
}

/** A progress line at the bottom of the terminal. Appears with the first counts. */
export class Progress {
  private readonly style: ProgressStyle;
  private readonly live: LiveLine;
  private readonly rate: RateMeter;
  private counts: Counts | undefined;

  /** @param line all other output to the terminal must pass through it as well */
  constructor(line: LastLine, style: ProgressStyle, options: ProgressOptions) {
    this.style = style;
    this.rate = new RateMeter(options.now ?? (() => performance.now()));
    this.live = new LiveLine(line, options.columns, () => this.currentText());
  }

  /** Takes the counts by state as read from the queue: other runners work on it as well. */
  update(counts: Counts): void {
    const first = this.counts === undefined;
    this.counts = counts;
    this.rate.note(processed(counts));
    if (first) this.live.start();
    else this.live.update();
  }

  /** Removes the line, or leaves its last text. */
  async close(): Promise<void> {
    if (this.counts === undefined) return;
    if (this.style.stays) this.live.stop(this.currentText());
    else this.live.stop();
    this.counts = undefined;
  }

  private currentText(): string {
    return this.counts === undefined ? '' : this.style.text(this.counts, this.rate);
  }
}

import { pause } from '../../async/timer.js';
import type { Connection, Reply } from './connection/connection.js';
import { ARM } from './scripts/change.js';

/** Time between looks, in ms, even if nothing was published: a message may be lost with a connection. */
const LONGEST_SILENCE = 5000;
/** Between two wake-ups of one waiter, in ms: grows with each one in a row. */
const [FIRST_SPACING, LONGEST_SPACING] = [10, 250];
/** A waiter that was not woken for this long, in ms, starts over with the first. */
const QUIET = 2000;

/**
 * Waits for changes. Redis publishes the next one only after a client has announced that it waits, so that busy runners pay nothing for it.
 */
export class News {
  private unsubscribe: Promise<() => void> | undefined;
  private waiting = new Set<() => void>();
  private spacing = FIRST_SPACING;
  private wokenAt = 0;

  /** @param noted receives each generation and seq seen */
  constructor(
    private readonly connection: Connection,
    private readonly channel: string,
    private readonly noted: (generation: string, seq: number) => void,
  ) {}

  /** Waits once until something may have changed since this seq; passes the current state to `noted`. */
  async wait(seq: () => number, signal: AbortSignal): Promise<void> {
    await this.space(signal);
    this.unsubscribe ??= this.connection.subscribe(this.channel, () => this.wake());
    try {
      await this.unsubscribe;
    } catch {
      // The next call is as patient as its queue, and reports what is wrong.
      this.unsubscribe = undefined;
    }
    const heard = this.heard(signal);
    heard.catch(() => undefined);
    const before = seq();
    const reply = (await this.connection.call(ARM, { args: () => [before], signal })) as readonly Reply[];
    this.noted(String(reply[0]), Number(reply[1]));
    if (seq() !== before) return;
    await heard;
  }

  async close(): Promise<void> {
    const unsubscribe = await this.unsubscribe?.catch(() => undefined);
    unsubscribe?.();
  }

  private async space(signal: AbortSignal): Promise<void> {
    const now = performance.now();
    this.spacing = now - this.wokenAt > QUIET ? FIRST_SPACING : Math.min(this.spacing * 1.5, LONGEST_SPACING);
    const left = this.wokenAt + this.spacing - now;
    if (left > 0) await pause(left, signal);
  }

  private heard(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.waiting.delete(over);
        this.wokenAt = performance.now();
        resolve();
      };
      const abort = (): void => {
        over();
        reject(signal.reason as Error);
      };
      const timer = setTimeout(over, LONGEST_SILENCE * (0.8 + 0.4 * Math.random()));
      if (signal.aborted) return reject(signal.reason as Error);
      signal.addEventListener('abort', abort);
      this.waiting.add(over);
    });
  }

  private wake(): void {
    for (const over of [...this.waiting]) over();
  }
}

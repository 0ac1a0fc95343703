import { Notifier } from '../../../async/notifier.js';
import type { Queue } from '../../../queue/queue.js';

/** Who waits for news is told so often at most, in ms: one change is followed by many. */
const INTERVAL = 50;

/** Knows when something has changed, whether by the server's clients or by others who work on the queue, and tells who waits for it. */
export class ChangeNotifier {
  /** Begins elsewhere each time, so that who knew a server before it was started again sees that it was. */
  private changes = Date.now() * 1000;
  private readonly waiters = new Notifier();
  private timer: NodeJS.Timeout | undefined;
  private following: AbortController | undefined;

  constructor(private readonly queue: Queue) {}

  /** Grows with every change that is noticed. */
  get position(): number {
    return this.changes + this.queue.seen;
  }

  /** A client has changed something. */
  note(): void {
    this.changes++;
    this.tellSoon();
  }

  /** Settles when the position is not `seen` any more; rejects when nobody can tell, or `signal` is aborted. */
  async past(seen: number, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (this.position !== seen) return this.position;
    const waiting = this.waiters.wait(signal);
    if (this.following === undefined) void this.follow();
    await waiting.finally(() => {
      if (this.waiters.size === 0) this.following?.abort();
    });
    return this.position;
  }

  /** Looks after the queue for as long as somebody waits. */
  private async follow(): Promise<void> {
    const following = new AbortController();
    this.following = following;
    try {
      while (this.waiters.size > 0) {
        await this.queue.changed(following.signal);
        this.tellSoon();
      }
    } catch (error) {
      if (!following.signal.aborted) this.waiters.fail(error);
    } finally {
      this.following = undefined;
      // Somebody may have come while this one was being called off.
      if (this.waiters.size > 0) void this.follow();
    }
  }

  private tellSoon(): void {
    if (this.waiters.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.waiters.notify();
    }, INTERVAL);
  }
}

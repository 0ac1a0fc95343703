import { Notifier } from '../../../async/notifier.js';
import type { Queue } from '../../../queue/queue.js';

/** Waiting clients are notified this often at most, in ms: one change is followed by many. */
const INTERVAL = 50;

/** Notices changes of the queue, by clients of the server or by other programs, and notifies the clients that wait for one. */
export class ChangeNotifier {
  /** Begins elsewhere with each start, so that a client sees that the server was started again. */
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
    this.notifySoon();
  }

  /** Settles when the position is not `seen` any more; rejects when the queue cannot be watched, or `signal` is aborted. */
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

  /** Watches the queue for as long as a client waits. */
  private async follow(): Promise<void> {
    const following = new AbortController();
    this.following = following;
    try {
      while (this.waiters.size > 0) {
        await this.queue.changed(following.signal);
        this.notifySoon();
      }
    } catch (error) {
      if (!following.signal.aborted) this.waiters.fail(error);
    } finally {
      this.following = undefined;
      // Another client may have begun to wait while this was being stopped.
      if (this.waiters.size > 0) void this.follow();
    }
  }

  private notifySoon(): void {
    if (this.waiters.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.waiters.notify();
    }, INTERVAL);
  }
}

import { Notifier } from '../../async/notifier.js';

/** Counts the changes that a server reports, and wakes callers that wait for one. */
export class ChangeTracker {
  /** Grows with every change noticed. */
  seen = 0;
  private readonly waiters = new Notifier();
  /** The server's position, in its own counting. */
  position: number | undefined;

  /** The server is at this position now. */
  note(position: number): void {
    const isNews = this.position !== undefined && this.position !== position;
    this.position = position;
    if (!isNews) return;
    this.seen++;
    this.waiters.notify();
  }

  /** The server cannot be watched: rejects all waiting callers. */
  fail(error: Error): void {
    this.waiters.fail(error);
  }

  /** Waits until `seen` exceeds `since`; rejects when `signal` is aborted. */
  async past(since: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.seen !== since) return;
    await this.waiters.wait(signal);
  }
}

import { Notifier } from '../../async/notifier.js';

/** What is known of a server's state of things: counts what is new, and wakes who waits for it. */
export class ChangeTracker {
  /** Grows with every change that is noticed. */
  seen = 0;
  private readonly waiters = new Notifier();
  /** Where the server stands, in its own counting. */
  position: number | undefined;

  /** Takes in where the server stands now. */
  note(position: number): void {
    const isNews = this.position !== undefined && this.position !== position;
    this.position = position;
    if (!isNews) return;
    this.seen++;
    this.waiters.notify();
  }

  /** Tells all who wait that they wait in vain. */
  fail(error: Error): void {
    this.waiters.fail(error);
  }

  /** Waits until more is seen than `since`; rejects when `signal` is aborted. */
  async past(since: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.seen !== since) return;
    await this.waiters.wait(signal);
  }
}

/** What is known of a server's state of things: counts what is new, and wakes who waits for it. */
export class News {
  /** Grows with every change that is noticed. */
  seen = 0;
  private readonly waiting = new Set<{ wake(): void; fail(error: Error): void }>();
  /** Where the server stands, in its own counting. */
  position: number | undefined;

  /** Takes in where the server stands now. */
  note(position: number): void {
    const isNews = this.position !== undefined && this.position !== position;
    this.position = position;
    if (!isNews) return;
    this.seen++;
    for (const { wake } of this.waiting) wake();
  }

  /** Tells all who wait that they wait in vain. */
  fail(error: Error): void {
    for (const { fail } of this.waiting) fail(error);
  }

  /** Waits until more is seen than `since`; rejects when `signal` is aborted. */
  async past(since: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.seen !== since) return;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => waiter.fail(signal.reason as Error);
      const settled = (): void => {
        this.waiting.delete(waiter);
        signal.removeEventListener('abort', stop);
      };
      const waiter = {
        wake(): void {
          settled();
          resolve();
        },
        fail(error: Error): void {
          settled();
          reject(error);
        },
      };
      this.waiting.add(waiter);
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

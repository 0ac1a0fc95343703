interface Waiter {
  wake(): void;
  fail(error: unknown): void;
}

/** Those who wait for the same thing to happen. */
export class Waiters {
  private readonly waiting = new Set<Waiter>();

  get size(): number {
    return this.waiting.size;
  }

  /** Waits until `wake` is called; rejects when `fail` is, or when `signal` is aborted. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const stop = (): void => waiter.fail(signal.reason);
      const settled = (): void => {
        this.waiting.delete(waiter);
        signal.removeEventListener('abort', stop);
      };
      const waiter = {
        wake(): void {
          settled();
          resolve();
        },
        fail(error: unknown): void {
          settled();
          reject(error);
        },
      };
      this.waiting.add(waiter);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  wake(): void {
    for (const waiter of this.waiting) waiter.wake();
  }

  /** Tells all that they wait in vain. */
  fail(error: unknown): void {
    for (const waiter of this.waiting) waiter.fail(error);
  }
}

interface Waiter {
  wake(): void;
  fail(error: unknown): void;
}

/** A recurring event that can be awaited. Waiting leaves nothing behind, however often it is done. */
export class Notifier {
  private readonly waiters = new Set<Waiter>();
  private shared: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** How many calls of `wait` are pending. */
  get size(): number {
    return this.waiters.size;
  }

  /** Settles at the next `notify`. All callers until then share one promise, so that a call costs nothing. */
  next(): Promise<void> {
    if (this.shared === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>(settle => {
        resolve = settle;
      });
      this.shared = { promise, resolve };
    }
    return this.shared.promise;
  }

  /** Settles at the next `notify`; rejects at the next `fail`, or when `signal` is aborted. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = (): void => waiter.fail(signal.reason);
      const settled = (): void => {
        this.waiters.delete(waiter);
        signal.removeEventListener('abort', abort);
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
      this.waiters.add(waiter);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  notify(): void {
    this.shared?.resolve();
    this.shared = undefined;
    for (const waiter of this.waiters) waiter.wake();
  }

  /** Rejects all pending calls of `wait`. */
  fail(error: unknown): void {
    for (const waiter of this.waiters) waiter.fail(error);
  }
}

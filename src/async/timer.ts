/*
 * src/async/: waiting, implemented once. Timers and pauses (here), growing pauses between tries (backoff.ts), a limit on the share of time
 * for costly work (throttle.ts), a limit on concurrent work (semaphore.ts), recurring events (notifier.ts), and one-time events (once.ts).
 */

/** setTimeout takes at most 2^31 - 1 ms, about 24 days, and treats anything longer as 1 ms. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls `done` after `ms` milliseconds, without an upper limit. Returns a function that cancels it. */
export function after(ms: number, done: () => void): () => void {
  let timer: NodeJS.Timeout;
  const step = (left: number): void => {
    timer = left > LONGEST_TIMER ? setTimeout(() => step(left - LONGEST_TIMER), LONGEST_TIMER) : setTimeout(done, left);
  };
  step(ms);
  return () => clearTimeout(timer);
}

/** Settles after `ms` milliseconds, without an upper limit. Rejects with the signal's reason when `signal` is aborted before that. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/*
 * src/async/: waiting, done once. Timers and pauses (here), growing pauses between tries (backoff.ts), costly work kept to a share of the
 * time (throttle.ts), so many at a time (semaphore.ts), news that are waited for (notifier.ts), and what happens once (once.ts).
 */

/** setTimeout takes at most 2^31 - 1 ms, about 24 days, and treats anything longer as 1 ms. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls `done` after `ms` milliseconds, however many. Returns a function that cancels it. */
export function after(ms: number, done: () => void): () => void {
  let timer: NodeJS.Timeout;
  const step = (left: number): void => {
    timer = left > LONGEST_TIMER ? setTimeout(() => step(left - LONGEST_TIMER), LONGEST_TIMER) : setTimeout(done, left);
  };
  step(ms);
  return () => clearTimeout(timer);
}

/** Settles after `ms` milliseconds, however many. Rejects with the signal's reason when `signal` is aborted before that. */
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

/** setTimeout takes no more than 2^31 - 1 ms, about 24 days; a longer wait would be none at all. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls `done` after `ms` milliseconds, however long that is. Returns how to call it off. */
export function after(ms: number, done: () => void): () => void {
  let timer: NodeJS.Timeout;
  const step = (left: number): void => {
    timer = left > LONGEST_TIMER ? setTimeout(() => step(left - LONGEST_TIMER), LONGEST_TIMER) : setTimeout(done, left);
  };
  step(ms);
  return () => clearTimeout(timer);
}

/** Settles after `ms` milliseconds, however long that is; rejects when `signal` is aborted before. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = (): void => {
      callOff();
      reject(signal.reason);
    };
    const callOff = after(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}

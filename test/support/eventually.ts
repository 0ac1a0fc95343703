import { setTimeout } from 'node:timers/promises';

const PAUSE = 10;

/**
 * Waits for a condition, and returns its value. A function that throws counts as false.
 *
 * @param what for the failure: "the job has started"
 * @param look truthy when the condition holds
 * @param within ms
 */
export async function eventually<T>(what: string, look: () => T | Promise<T>, within = 15_000): Promise<NonNullable<T>> {
  const end = performance.now() + within;
  let cause: unknown;
  do {
    try {
      const seen = await look();
      if (seen) return seen;
    } catch (error) {
      cause = error;
    }
    await setTimeout(PAUSE);
  } while (performance.now() < end);
  throw new Error(`not within ${within} ms: ${what}`, { cause });
}

/** Whether a promise is still pending after the given milliseconds: for what must wait. */
export async function isOpenAfter(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  );
  return await Promise.race([settled, setTimeout(ms, true)]);
}

import { setTimeout } from 'node:timers/promises';
import { errnoName, isFull, RunmakerError } from '../../errors.js';
import type { MaybePromise } from '../../system/disk.js';

/**
 * Errors that pass: a server that restarts or cannot be reached, a lease that was lost, a file that is being replaced. EINTR comes from a
 * lock that a signal, such as that a job has ended, cut short while the server was away: what is locked through this descriptor by then
 * is uncertain, and may be given up by the kernel seconds later. It is tried again with another one.
 */
const PASSING = new Set([
  'EIO',
  'EINTR',
  'ESTALE',
  'ENOLCK',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNREFUSED',
  'EREMOTEIO',
  'EAGAIN',
]);
/** An editor has saved a file within this time, in ms. */
export const SAVING = 2000;

/** A timer may go off so much too early, in ms. */
const EARLY = 1;
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 2000;

/** Whether an error may be gone when the same is tried again a little later. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(codeOf(error) ?? '');
}

/** What may end the patience, and what to be patient with besides errors that pass. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  /** Whether to wait for room, too: only where something would be lost otherwise. */
  readonly forRoom?: boolean;
  /** Whether the file was there before: it is waited for as long as an editor takes to save it, by whoever has no other patience too. */
  readonly wasThere?: boolean;
}

/**
 * Does something again and again while it fails for reasons that pass, with growing pauses, for up to `patience` ms.
 * Throws the last error when that is over, and every other error at once.
 */
export async function patiently<T>(
  patience: number,
  work: () => Promise<T>,
  { signal, forRoom = false, wasThere = patience > 0 }: Limits = {},
): Promise<T> {
  const began = performance.now();
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (error) {
      const passes = isPassing(error) || (forRoom && isFull(error));
      // Editors move the old file away before they put the new one there.
      const limit = passes ? patience : wasThere && codeOf(error) === 'ENOENT' ? SAVING : 0;
      const left = began + limit - performance.now();
      if (left <= 0) throw error;
      // The last try comes when the time is up, and not a pause before.
      await setTimeout(Math.min(pause * (0.5 + Math.random() / 2), left + EARLY), undefined, signal ? { signal } : {});
    }
  }
}

/** Does something that may as well not be done when it fails for a reason that passes. Throws every other error. */
export async function asFarAsPossible(work: () => MaybePromise<void> | undefined): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof RunmakerError ? errnoName(error.cause) : errnoName(error);
}

import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../../async/backoff.js';
import { RunmakerError } from '../../../errors.js';
import type { MaybePromise } from '../../../system/disk.js';
import type { LockKind } from '../../../system/record-lock.js';
import { LOOK_BYTE } from '../../../system/reserved-bytes.js';
import type { LockableFile, LockDriver } from './lock-driver.js';

/** How long to try for the byte of looks, in ms: only a lock on the whole file excludes it. */
const LOOK_PATIENCE = 60_000;

/**
 * Takes a lock that others hold for moments only. Tries again and again rather than asking the kernel to wait:
 * NFSv4.0 clients poll a blocking lock with pauses of up to 30 s.
 * @param patience how long, in ms
 * @param refused is called after each refusal
 * @returns false when another holder had it all the time
 */
export async function lockWithin(
  file: LockableFile,
  kind: LockKind,
  start: number | bigint,
  length: number,
  patience: number,
  refused?: () => Promise<void>,
): Promise<boolean> {
  const end = performance.now() + patience;
  while (!(await file.tryLock(kind, start, length))) {
    if (performance.now() > end) return false;
    await refused?.();
    await setTimeout(jitter());
  }
  return true;
}

/** The same, for whom there is nothing to do without the lock. @param what it is on, for the message */
export async function lockSoon(
  file: LockableFile,
  kind: LockKind,
  start: number | bigint,
  length: number,
  patience: number,
  what: string,
): Promise<void> {
  if (!(await lockWithin(file, kind, start, length, patience))) throw stayedLocked(what, patience);
}

/** @param patience for how long it was tried, in ms */
export function stayedLocked(what: string, patience: number): RunmakerError {
  return new RunmakerError('queue', `${what} stayed locked by somebody else for ${Math.round(patience / 1000)} s`, {
    hint: 'see who works on the file; a host that vanished keeps its locks on NFSv3 until it boots again',
  });
}

/** Gives up every lock that was taken through this open file, in one call. */
export function unlockAll(file: LockableFile): MaybePromise<void> {
  // Of length 0: to the end, wherever that may be.
  return file.unlock(0, 0);
}

/**
 * Makes what is read through this descriptor from now on as new as this call. Over a network a host that has the file open
 * for writing reads minutes-old pages of its own, unless it takes a lock first.
 * @param path for the message when that cannot be had
 */
export async function freshen(file: LockableFile, { staleLooks }: LockDriver, path: string): Promise<void> {
  if (!staleLooks) return;
  await lockSoon(file, 'shared', LOOK_BYTE, 1, LOOK_PATIENCE, path);
  // Given up at once: where the whole file is locked, others must not wait for a reader that takes its time.
  await file.unlock(LOOK_BYTE, 1);
}

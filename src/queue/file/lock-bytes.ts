import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import type { LockKind } from '../../system/record-lock.js';
import type { LockableFile } from './locks/lock-driver.js';

/*
 * Bytes set aside, far beyond the end of any file, for locks that are about no line.
 */

/** Locked shared for a look at states: on a network filesystem taking a lock makes the cache current, and this one is felt by nobody. */
export const LOOK_BYTE = 1n << 62n;
/** Locked exclusively to append: waits for other appenders only, never for running jobs. */
export const APPEND_BYTE = (1n << 62n) + 1n;

/** Between two tries, in ms: 2 to 20, by chance, so that two who wait for each other do not stay in step. */
export function jitter(): number {
  return 2 + Math.random() * 18;
}

/**
 * Takes a lock that others hold for moments only. Tries again and again rather than asking the kernel to wait:
 * NFSv4.0 clients poll a blocking lock with pauses of up to 30 s.
 * @param patience how long, in ms
 */
export async function lockSoon(
  file: LockableFile,
  kind: LockKind,
  start: number | bigint,
  length: number,
  patience: number,
  what: string,
): Promise<void> {
  const end = performance.now() + patience;
  while (!(await file.tryLock(kind, start, length))) {
    if (performance.now() > end) {
      throw new RunmakerError('queue', `${what} stayed locked by somebody else for ${Math.round(patience / 1000)} s`, {
        hint: 'see who works on the file; a host that vanished keeps its locks on NFSv3 until it boots again',
      });
    }
    await setTimeout(jitter());
  }
}

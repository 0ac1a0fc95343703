import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../async/backoff.js';
import { networkFilesystem } from '../../system/disk.js';
import { recordLocks } from '../../system/record-lock.js';
import { APPEND_BYTE } from '../../system/reserved-bytes.js';

/** Gives a lock up. */
export type Release = () => Promise<void>;

/** A lock is waited for no longer than this, in ms: a host that has vanished may hold it for ever. */
const PATIENCE = 30_000;

/**
 * Whether several hosts must lock a file to append to it. On a local disk the kernel sees to it that no line gets lost: a write
 * with O_APPEND is atomic. A client of a network filesystem decides for itself where the end is; a lock makes it look
 * again, and its release sends what was written to the server.
 */
export async function needsAppendLock(path: string): Promise<boolean> {
  return (await networkFilesystem(path)) !== undefined;
}

/**
 * Locks the end of a file that is open for writing against others who append.
 * Tried again and again.
 *
 * @param patience ms, after which the caller may go on without the lock
 * @throws RunmakerError `queue`, or the system's error, where there are no such locks
 */
export async function lockEnd(fd: number, patience = PATIENCE): Promise<Release> {
  const locks = recordLocks();
  const end = performance.now() + patience;
  while (!(await locks.tryLockAsync(fd, 'exclusive', APPEND_BYTE, 1))) {
    if (performance.now() > end) return () => Promise.resolve();
    await setTimeout(jitter());
  }
  return () => locks.unlockAsync(fd, APPEND_BYTE, 1);
}

import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../async/backoff.js';
import { networkFilesystem } from '../../system/disk.js';
import { recordLocks } from '../../system/record-lock.js';
import { APPEND_BYTE } from '../../system/reserved-bytes.js';

/** Releases a lock. */
export type Release = () => Promise<void>;

/** Longest wait for a lock, in ms: a host that vanished may hold it for ever. */
const PATIENCE = 30_000;

/**
 * Whether hosts must lock a file to append to it. On a local disk the kernel loses no line: a write with O_APPEND is atomic. A network
 * filesystem's client determines the end of the file itself; taking a lock refreshes its view, and releasing it flushes writes to the
 * server.
 */
export async function needsAppendLock(path: string): Promise<boolean> {
  return (await networkFilesystem(path)) !== undefined;
}

/**
 * Locks the end of a file that is open for writing against other appenders. Retries until it has the lock.
 *
 * @param patience ms, after which the caller may go on without the lock
 * @throws RunmakerError `queue`, or the system's error, where such locks are not supported
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

import { setTimeout } from 'node:timers/promises';
import { networkFilesystem } from '../system/disk.js';
import { type RecordLocks, recordLocks } from '../system/record-lock.js';

/** Does something to an open file while nobody else appends to it. */
export type Exclusively = (fd: number, work: () => Promise<void>) => Promise<void>;

/** The byte that appenders lock, far beyond the end of any file: the same as for the runs file, see DESIGN.md. */
const APPEND_BYTE = (1n << 62n) + 1n;
/** Rows wait no longer than this for a lock, in ms: a host that has vanished may hold it for ever. */
const PATIENCE = 30_000;

/**
 * How several hosts append to one file without losing a line. On a local disk the kernel does it: O_APPEND is atomic. A client of a
 * network filesystem decides for itself where the end is, so there a lock is taken first, which makes it look again, and
 * released afterwards, which sends what was written to the server.
 */
export function appendingTo(path: string): Exclusively {
  return networkFilesystem(path) === undefined ? (_fd, work) => work() : withLock(recordLocks());
}

/**
 * Works under an exclusive lock. Rejects without having done the work where locks cannot be had.
 *
 * @param patience ms after which the work is done without the lock
 */
export function withLock(locks: RecordLocks, patience = PATIENCE): Exclusively {
  return async (fd, work) => {
    const end = performance.now() + patience;
    let locked = await locks.tryLockAsync(fd, 'exclusive', APPEND_BYTE, 1);
    while (!locked && performance.now() < end) {
      await setTimeout(2 + Math.random() * 18);
      locked = await locks.tryLockAsync(fd, 'exclusive', APPEND_BYTE, 1);
    }
    try {
      await work();
    } finally {
      if (locked) await locks.unlockAsync(fd, APPEND_BYTE, 1);
    }
  };
}

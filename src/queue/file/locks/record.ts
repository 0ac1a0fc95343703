import { constants } from 'node:fs';
import type { Disk } from '../../../system/disk.js';
import { localDisk, networkDisk } from '../../../system/disk.js';
import type { LockKind, RecordLocks } from '../../../system/record-lock.js';
import { recordLocks } from '../../../system/record-lock.js';
import { syncData } from '../../../system/sync-data.js';
import { type Access, type LockableFile, type LockDriver, OpenFile } from './lock-driver.js';
import { openFlags } from './open-flags.js';

/**
 * Byte ranges of the file, locked by open file descriptions: the default, on Linux, local or over NFS.
 * @param place `nfs`: what is done under a lock goes past the kernel's cache. Pages of it are shared by all that have the file
 *   open, so that a read would succeed on a descriptor whose lease was lost, and a job's process that inherited one could not
 *   end while a written page waits for the server
 */
export function recordDriver(place: 'local' | 'network' | 'nfs'): LockDriver {
  const locks = recordLocks();
  if (place !== 'local') {
    return {
      name: 'record',
      presence: true,
      staleLooks: true,
      direct: place === 'nfs',
      async open(path: string, access: Access): Promise<LockableFile> {
        const direct = place === 'nfs' && access === 'change';
        const flags = openFlags(access) | (direct ? constants.O_DIRECT : 0);
        return new NetworkRecordFile(networkDisk, await networkDisk.open(path, flags), locks, access, direct);
      },
    };
  }
  return {
    name: 'record',
    presence: true,
    staleLooks: false,
    open(path: string, access: Access): LockableFile {
      return new LocalRecordFile(localDisk, localDisk.open(path, openFlags(access)) as number, locks);
    },
  };
}

/** On a local disk a lock takes microseconds, far less than a detour to another thread. */
class LocalRecordFile extends OpenFile {
  constructor(
    disk: Disk,
    fd: number,
    private readonly locks: RecordLocks,
  ) {
    super(disk, fd);
  }

  override tryLock(kind: LockKind, start: number | bigint, length: number): boolean {
    return this.locks.tryLock(this.fd, kind, start, length);
  }

  override unlock(start: number | bigint, length: number): void {
    this.locks.unlock(this.fd, start, length);
  }

  override isFree(start: number | bigint, length: number): boolean {
    return this.locks.isFree(this.fd, start, length);
  }
}

/** A server that restarts was seen to keep a lock call for 25 s: the main thread must not wait for it. */
class NetworkRecordFile extends OpenFile {
  constructor(
    disk: Disk,
    fd: number,
    private readonly locks: RecordLocks,
    private readonly access: Access,
    private readonly direct: boolean,
  ) {
    super(disk, fd);
  }

  override tryLock(kind: LockKind, start: number | bigint, length: number): Promise<boolean> {
    return this.locks.tryLockAsync(this.fd, kind, start, length);
  }

  override unlock(start: number | bigint, length: number): Promise<void> {
    return this.locks.unlockAsync(this.fd, start, length);
  }

  /** The server has the bytes then. Otherwise they would leave when a lock is given up, and nobody would be told that it did not take them. */
  override async write(bytes: Buffer, position: number | null): Promise<void> {
    await super.write(bytes, position);
    if (!this.direct) await syncData(this.fd);
  }

  /**
   * Takes the lock and gives it up again: an NFSv3 server of Linux 6.1 overlooks shared locks when it is only asked. That
   * needs a descriptor for writing; with another one there is nothing but to ask.
   */
  override async isFree(start: number | bigint, length: number): Promise<boolean> {
    if (this.access === 'look') return this.locks.isFreeAsync(this.fd, start, length);
    if (!(await this.tryLock('exclusive', start, length))) return false;
    await this.unlock(start, length);
    return true;
  }
}

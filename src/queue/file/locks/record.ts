import type { Disk, MaybePromise } from '../../../system/disk.js';
import { localDisk, networkDisk } from '../../../system/disk.js';
import type { LockKind, RecordLocks } from '../../../system/record-lock.js';
import { recordLocks } from '../../../system/record-lock.js';
import { type Access, type LockableFile, type LockDriver, OpenFile } from './lock-driver.js';
import { openFlags } from './open-flags.js';

/** Byte ranges of the file, locked by open file descriptions: the default, on Linux, local or over NFS. */
export function recordDriver(overNetwork: boolean): LockDriver {
  const locks = recordLocks();
  const disk = overNetwork ? networkDisk : localDisk;
  const FileKind = overNetwork ? NetworkRecordFile : LocalRecordFile;
  return {
    name: 'record',
    presence: true,
    staleLooks: overNetwork,
    open(path: string, access: Access): MaybePromise<LockableFile> {
      const fd = disk.open(path, openFlags(access));
      return typeof fd === 'number' ? new FileKind(disk, fd, locks) : fd.then(opened => new FileKind(disk, opened, locks));
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
  ) {
    super(disk, fd);
  }

  override tryLock(kind: LockKind, start: number | bigint, length: number): Promise<boolean> {
    return this.locks.tryLockAsync(this.fd, kind, start, length);
  }

  override unlock(start: number | bigint, length: number): Promise<void> {
    return this.locks.unlockAsync(this.fd, start, length);
  }

  override isFree(start: number | bigint, length: number): Promise<boolean> {
    return this.locks.isFreeAsync(this.fd, start, length);
  }
}

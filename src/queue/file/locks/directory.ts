import { constants } from 'node:fs';
import lockfile from 'proper-lockfile';
import { RunmakerError } from '../../../errors.js';
import { networkDisk } from '../../../system/disk.js';
import type { LockKind } from '../../../system/record-lock.js';
import { type Access, type LockableFile, type LockDriver, OpenFile } from './lock-driver.js';
import { openFlags } from './open-flags.js';

/** A lock that was not refreshed for this long belongs to somebody who died. */
const STALE_MS = 30_000;

/**
 * A folder beside the file (`runs.txt.lock`): for filesystems without working fcntl locks. Excludes only its own kind.
 * @param overNfs nothing is cached then: no lock tells the client that others have written, and a write of one byte would
 * take the other bytes of an old page with it
 */
export function directoryDriver(overNfs: boolean): LockDriver {
  const beside = overNfs ? constants.O_DIRECT : 0;
  return {
    name: 'directory',
    presence: false,
    staleLooks: false,
    async open(path: string, access: Access): Promise<LockableFile> {
      return new DirectoryLockedFile(path, await networkDisk.open(path, openFlags(access) | beside));
    },
  };
}

class DirectoryLockedFile extends OpenFile {
  private release: (() => Promise<void>) | undefined;
  private compromised: Error | undefined;

  constructor(
    private readonly path: string,
    fd: number,
  ) {
    super(networkDisk, fd);
  }

  /** Who only looks needs no turn: a state is a single byte, which is written whole. */
  override async tryLock(kind: LockKind): Promise<boolean> {
    if (kind === 'shared' || this.release) return true;
    try {
      this.release = await lockfile.lock(this.path, {
        stale: STALE_MS,
        onCompromised: error => {
          this.compromised = error;
        },
      });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return false;
      throw error;
    }
  }

  override async unlock(): Promise<void> {
    const release = this.release;
    this.release = undefined;
    if (release && !this.compromised) await release();
  }

  override isFree(): boolean {
    throw new RunmakerError('queue', 'the lock driver "directory" cannot tell who is present');
  }

  override async write(bytes: Buffer, position: number | null): Promise<void> {
    if (this.compromised) {
      throw new RunmakerError('queue', `${this.path}.lock was taken away while the lock was held`, { cause: this.compromised });
    }
    await networkDisk.write(this.fd, bytes, position);
  }

  override async close(): Promise<void> {
    await this.unlock();
    await networkDisk.close(this.fd);
  }
}

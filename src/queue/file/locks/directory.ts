import { constants } from 'node:fs';
import lockfile from 'proper-lockfile';
import { errnoName, RunmakerError } from '../../../errors.js';
import { networkDisk } from '../../../system/disk.js';
import type { LockKind } from '../../../system/record-lock.js';
import { type Access, type LockableFile, type LockDriver, OpenFile } from './lock-driver.js';
import { LockMark } from './lock-mark.js';
import { openFlags } from './open-flags.js';

/** A lock that was not refreshed for this long belongs to a process that has died. */
const STALE_MS = 30_000;

/**
 * A folder beside the file (`runs.txt.lock`): for filesystems without working fcntl locks. Excludes only its own kind.
 * @param isCached whether the filesystem keeps pages of its own, as NFS and sshfs do. They are passed by then: no lock tells the client
 *   that others have written, and a write of one byte would take the other bytes of an old page with it
 */
export function directoryDriver(isCached: boolean): LockDriver {
  const beside = isCached ? constants.O_DIRECT : 0;
  return {
    name: 'directory',
    presence: false,
    staleLooks: false,
    async open(path: string, access: Access): Promise<LockableFile> {
      return new DirectoryLockedFile(path, await networkDisk.open(path, openFlags(access) | beside));
    },
  };
}

/**
 * A lock that was refreshed last longer ago than `STALE_MS` may be taken over: that of a host that was suspended meanwhile, too. So every
 * write is framed by two looks at the folder: whether it is still the one that was made here.
 */
class DirectoryLockedFile extends OpenFile {
  private release: (() => Promise<void>) | undefined;
  private mark: LockMark | undefined;

  constructor(
    private readonly path: string,
    fd: number,
  ) {
    super(networkDisk, fd);
  }

  /** A file that is only read needs no lock: a state is a single byte, which is written whole. */
  override async tryLock(kind: LockKind): Promise<boolean> {
    if (kind === 'shared' || this.release) return true;
    const mark = new LockMark();
    try {
      this.release = await lockfile.lock(this.path, { stale: STALE_MS, fs: mark.fs, onCompromised: () => undefined });
      this.mark = mark;
      return true;
    } catch (error) {
      if (errnoName(error) === 'ELOCKED') return false;
      throw error;
    }
  }

  override async unlock(): Promise<void> {
    const { release } = this;
    this.release = undefined;
    // A lock that was taken over is left to its new owner.
    await release?.().catch(unlessReleased);
  }

  override isFree(): boolean {
    throw new RunmakerError('queue', 'the lock driver "directory" cannot tell whether a runner is present');
  }

  override async write(bytes: Buffer, position: number | null): Promise<void> {
    if (!(await this.isHeld())) throw Object.assign(new Error('ESTALE: the lock was taken over before the write'), { code: 'ESTALE' });
    await networkDisk.write(this.fd, bytes, position);
    if (await this.isHeld()) return;
    throw new RunmakerError('queue', `${this.path}.lock was taken over while ${this.path} was written`, {
      hint: `a runner that is suspended for longer than ${STALE_MS / 1000} s loses its lock: look at the jobs in state r before you go on`,
    });
  }

  override async close(): Promise<void> {
    await this.unlock();
    await networkDisk.close(this.fd);
  }

  /** A file that is written without a lock of its own, at its end, is guarded by the lock of another descriptor. */
  private async isHeld(): Promise<boolean> {
    return this.mark === undefined || (this.release !== undefined && (await this.mark.isThere()));
  }
}

function unlessReleased(error: unknown): void {
  if (errnoName(error) !== 'ERELEASED' && errnoName(error) !== 'ENOTACQUIRED') throw error;
}

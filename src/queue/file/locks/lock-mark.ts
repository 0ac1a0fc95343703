import fs from 'node:fs';
import { stat } from 'node:fs/promises';
import { errnoName } from '../../../errors.js';

type Done = (error: NodeJS.ErrnoException | null) => void;

/** Some filesystems keep times in whole seconds. */
const SECOND = 1000;

/**
 * Tells a lock folder that was made here from another one at the same place: by its time, which proper-lockfile sets when it has made the
 * folder and whenever it refreshes it. Its milliseconds are random, since two hosts may make such a folder in the same second.
 */
export class LockMark {
  private path: string | undefined;
  private time = 0;

  /** The file calls for proper-lockfile: they note what is set, and remove no folder that another process has put there. */
  readonly fs: Record<string, unknown> = {
    ...fs,
    utimes: (path: string, accessed: Date, modified: Date, done: Done): void => {
      const first = this.path === undefined;
      const time = first
        ? new Date(Math.floor(modified.getTime() / SECOND) * SECOND + 1 + Math.floor(Math.random() * (SECOND - 1)))
        : modified;
      this.path = path;
      this.time = time.getTime();
      fs.utimes(path, accessed, time, done);
    },
    rmdir: (path: string, done: Done): void => {
      if (this.path === undefined) fs.rmdir(path, done);
      else this.isThere().then(isThere => (isThere ? fs.rmdir(path, done) : done(null)), done);
    },
    rmdirSync: (path: string): void => {
      if (this.isOurs(fs.statSync(path).mtimeMs)) fs.rmdirSync(path);
    },
  };

  /** Whether the folder is still the one that was made here. */
  async isThere(): Promise<boolean> {
    if (this.path === undefined) return false;
    try {
      return this.isOurs((await stat(this.path)).mtimeMs);
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return false;
      throw error;
    }
  }

  private isOurs(mtime: number): boolean {
    // Node sets times as fractions of seconds, in doubles.
    return Math.round(mtime) === this.time || mtime === Math.floor(this.time / SECOND) * SECOND;
  }
}

import { closeSync, fchmodSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { errnoName } from '../errors.js';

/** Read and write, for the owner and nobody else. */
const OWNER_ONLY = 0o600;
/** Any permission of the group or of others. */
const OTHERS = 0o077;

/** The text of a small file, without the line end; undefined if there is no such file. */
export function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether others than its owner may look into a file, or write it. */
export function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & OTHERS) !== 0;
}

/** Writes a file that never existed with wider permissions, nor under a name that somebody else has prepared. Throws if it is there. */
export function writeSecret(path: string, text: string): void {
  const fd = openSync(path, 'wx', OWNER_ONLY);
  try {
    // Whatever the umask took away.
    fchmodSync(fd, OWNER_ONLY);
    writeSync(fd, `${text}\n`);
  } finally {
    closeSync(fd);
  }
}

/** Removes a file if it still says this. */
export function removeSecret(path: string, text: string): void {
  try {
    if (readSecret(path) === text) unlinkSync(path);
  } catch {
    // It is somebody else's by now.
  }
}

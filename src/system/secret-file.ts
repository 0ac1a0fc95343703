import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { errnoName, RunmakerError } from '../errors.js';

/** Read and write, for the owner only. */
const OWNER_ONLY = 0o600;
/** Any permission of the group or of others. */
const OTHERS = 0o077;
/** The superuser can write any file: a file it owns is as safe as can be. */
const ROOT = 0;

/**
 * The text of a small file, without the line end; undefined if there is no such file.
 * @throws RunmakerError when it belongs to another user, who controls its content
 */
export function readSecret(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { uid } = fstatSync(fd);
    if (uid !== process.geteuid?.() && uid !== ROOT) {
      throw new RunmakerError('input', `${path} belongs to another user (${uid}), who can have written anything there`, {
        hint: `use a file of your own: cp ${path} FILE; chmod 600 FILE`,
      });
    }
    return readFileSync(fd, 'utf8').trim();
  } finally {
    closeSync(fd);
  }
}

/** Whether users other than its owner may read or write a file. */
export function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & OTHERS) !== 0;
}

/** Writes a new file that never has wider permissions, nor a name that another user has prepared. Throws if it exists. */
export function writeSecret(path: string, text: string): void {
  const fd = openSync(path, 'wx', OWNER_ONLY);
  try {
    // Whatever bits the umask removed.
    fchmodSync(fd, OWNER_ONLY);
    writeSync(fd, `${text}\n`);
  } finally {
    closeSync(fd);
  }
}

/** Removes a file if it still holds this text. */
export function removeSecret(path: string, text: string): void {
  try {
    if (readSecret(path) === text) unlinkSync(path);
  } catch {
    // Another user or server has replaced it.
  }
}

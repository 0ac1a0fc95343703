import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoName, RunmakerError } from '../../../errors.js';
import { type RecordLocks, recordLocks } from '../../../system/record-lock.js';
import { isGone, newRunnerName } from '../plumbing/runner-name.js';

/** The file that is locked while a worker uses a clone, in git's own folder. It names the worker's process. */
const LOCK = 'runmaker-worker';
/** The same where locks are not supported: it exists while a worker uses the clone. */
const PID_FILE = 'runmaker-worker.pid';

/** Errors of filesystems without locks. */
const NO_LOCKS = ['ENOLCK', 'ENOSYS', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP'];

/**
 * Reserves a clone for one worker. The kernel releases it when the process ends, wherever its id is valid: a worker killed in a container
 * blocks no other.
 * @param gitFolder the `.git` of the clone · @param locks undefined if unsupported
 * @returns releases the clone
 * @throws RunmakerError `usage` while another worker has it
 */
export async function lockClone(gitFolder: string, locks: RecordLocks | undefined = known()): Promise<() => void> {
  const pidFile = path.join(gitFolder, PID_FILE);
  if (locks === undefined) return makePidFile(pidFile);
  const lock = path.join(gitFolder, LOCK);
  const fd = openSync(lock, 'a+', 0o666);
  try {
    if (!(await locks.tryLockAsync(fd, 'exclusive', 0, 1))) throw taken(lock, holderOf(lock), '');
    ftruncateSync(fd);
    writeSync(fd, newRunnerName());
  } catch (error) {
    closeSync(fd);
    if (NO_LOCKS.includes(errnoName(error) ?? '')) return makePidFile(pidFile);
    throw error;
  }
  // The file stays: another worker may have opened it already.
  return once(() => closeSync(fd));
}

function known(): RecordLocks | undefined {
  try {
    return recordLocks();
  } catch {
    return undefined;
  }
}

/** A file of a process known to have ended is no lock. */
function makePidFile(lock: string): () => void {
  const own = newRunnerName();
  for (;;) {
    if (isMade(() => writeFileSync(lock, own, { flag: 'wx' }))) return once(() => giveUp(lock, own));
    const holder = holderOf(lock);
    if (holder !== undefined && !isGone(holder)) throw taken(lock, holder, `; if that one is certainly gone, remove ${lock}`);
    // Moved first: another worker may have found the same, and have the clone by now.
    const old = `${lock}-${own}`;
    if (!isMade(() => renameSync(lock, old))) continue;
    const moved = holderOf(old);
    if (moved !== undefined && !isGone(moved)) renameSync(old, lock);
    else rmSync(old, { force: true });
  }
}

function giveUp(lock: string, own: string): void {
  if (holderOf(lock) === own) rmSync(lock, { force: true });
}

/** The number of a closed file may belong to another by now. */
function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

/** Whether the action succeeded, or others were first. */
function isMade(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(errnoName(error) ?? '')) return false;
    throw error;
  }
}

function holderOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function taken(lock: string, holder: string | undefined, remedy: string): RunmakerError {
  const [, host, pid] = /^(.+)-[0-9a-z]+-\d+-(\d+)-\d+-\d+$/.exec(holder ?? '') ?? [];
  const who = pid === undefined ? 'it has not said which yet' : `process ${pid} on ${host}`;
  const clone = path.dirname(path.dirname(lock));
  return new RunmakerError('usage', `another worker is at work in ${clone}: ${who}`, {
    hint: `give each worker a clone of its own, and close() one before the next${remedy}`,
  });
}

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoName, RunmakerError } from '../../../errors.js';
import { isGone, newRunnerName } from '../identity.js';

/** Where it stands who works in a clone, in the folder that git keeps for itself. */
const LOCK = 'runmaker-worker';

/**
 * Has a clone for one worker alone. What a process that has ended has left is no lock.
 * @param gitFolder the `.git` of the clone · @returns gives the clone up
 * @throws RunmakerError `usage` while another worker has it
 */
export function lockClone(gitFolder: string): () => void {
  const lock = path.join(gitFolder, LOCK);
  const own = newRunnerName();
  const mine = `${lock}-${own}`;
  writeFileSync(mine, own);
  try {
    for (;;) {
      if (isMade(() => linkSync(mine, lock))) return () => giveUp(lock, own);
      const holder = holderOf(lock);
      if (holder !== undefined && !isGone(holder)) throw taken(lock, holder);
      // Moved first: somebody else may have found the same, and have the clone by now.
      const old = `${mine}-old`;
      if (!isMade(() => renameSync(lock, old))) continue;
      const moved = holderOf(old);
      if (moved !== undefined && !isGone(moved)) renameSync(old, lock);
      else rmSync(old, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function giveUp(lock: string, own: string): void {
  if (holderOf(lock) === own) rmSync(lock, { force: true });
}

/** Whether something was done, or others were there first. */
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

function taken(lock: string, holder: string): RunmakerError {
  const [, host, pid] = /^(.+)-[0-9a-z]+-\d+-(\d+)-\d+-\d+$/.exec(holder) ?? [];
  const who = pid === undefined ? `${JSON.stringify(holder)}` : `process ${pid} on ${host}`;
  const clone = path.dirname(path.dirname(lock));
  return new RunmakerError('usage', `another worker is at work in ${clone}: ${who}`, {
    hint: `give each worker a clone of its own, and close() one before the next; if that one is certainly gone, remove ${lock}`,
  });
}

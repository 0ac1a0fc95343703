import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { errnoName } from '../errors.js';

/** Writes our process id into a file. Returns the id of another process that stands there and lives; nothing is written then. */
export function writePidFile(path: string): number | undefined {
  const other = readPid(path);
  if (other !== undefined && other !== process.pid && isAlive(other)) return other;
  writeFileSync(path, `${process.pid}\n`);
  return undefined;
}

/** Removes the file if it is ours. */
export function removePidFile(path: string): void {
  if (readPid(path) === process.pid) unlinkSync(path);
}

function readPid(path: string): number | undefined {
  try {
    const [digits] = /^\d+/.exec(readFileSync(path, 'latin1')) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errnoName(error) === 'EPERM';
  }
  return !isZombie(pid);
}

/** A process that has ended, and whose parent has not asked yet (proc_pid_stat(5)). */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

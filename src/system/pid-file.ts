import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { errnoName } from '../errors.js';

/** Writes this process's id into a file. If the file names another living process, returns its id and writes nothing. */
export function writePidFile(path: string): number | undefined {
  const other = readPid(path);
  if (other !== undefined && other !== process.pid && isAlive(other)) return other;
  writeFileSync(path, `${process.pid}\n`);
  return undefined;
}

/** Removes the file if it names this process. */
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

/** A process that has ended and that its parent has not reaped yet (proc_pid_stat(5)). */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { errnoName } from '../errors.js';

/**
 * A process of a group that lives and that we may send signals to; undefined when there is none. One that has ended and waits for
 * its parent to ask does not live: where process 1 asks for nobody, as in many containers, it would wait for ever.
 *
 * @param likely asked first: to look through all processes takes milliseconds
 */
export function livingMember(group: number, likely?: number): number | undefined {
  if (!canBeSignalled(group)) return undefined;
  if (likely !== undefined && isLivingIn(group, likely)) return likely;
  return readdirSync('/proc')
    .map(Number)
    .find(pid => pid > 0 && isLivingIn(group, pid));
}

function canBeSignalled(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch (error) {
    if (errnoName(error) === 'ESRCH' || errnoName(error) === 'EPERM') return false;
    throw error;
  }
}

function isLivingIn(group: number, pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // pid (name) state parent group …; a name may hold blanks and brackets.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

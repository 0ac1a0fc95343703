import { readdirSync, readFileSync } from 'node:fs';
import { errnoName } from '../errors.js';

/**
 * A living process of a group that this process may signal; undefined if there is none. A zombie does not count as living: where process 1
 * reaps no children, as in many containers, it would stay for ever.
 *
 * @param likely checked first: a scan of all processes takes milliseconds
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
    // pid (name) state parent group …; a name may hold blanks and parentheses.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

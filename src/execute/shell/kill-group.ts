import { errnoName } from '../../errors.js';

/** Sends a signal to a process group. That it is gone is no error: what was to be ended has ended. */
export function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (errnoName(error) !== 'ESRCH') throw error;
  }
}

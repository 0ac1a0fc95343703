import { writeSync } from 'node:fs';

/**
 * Says on standard error what the user should know, and below it what to do. If nobody is there to hear it, be it a closed
 * pipe or a terminal that was hung up, that is no reason to fail.
 */
export function complain(message: string, hint?: string): void {
  try {
    writeSync(2, hint === undefined ? `${message}\n` : `${message}\n${hint}\n`);
  } catch {
    // There is nowhere else to say so.
  }
}

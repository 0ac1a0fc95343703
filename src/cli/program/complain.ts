import { writeSync } from 'node:fs';
import { visibleLines } from '../../job/visible.js';

/**
 * Prints on standard error what the user should know, and below it what to do. Text of commands and files cannot act on the terminal.
 * A closed pipe or a terminal that was hung up is no reason to fail.
 */
export function complain(message: string, hint?: string): void {
  try {
    writeSync(2, visibleLines(hint === undefined ? `${message}\n` : `${message}\n${hint}\n`));
  } catch {
    // There is nowhere else to say so.
  }
}

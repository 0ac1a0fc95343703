import { writeSync } from 'node:fs';
import { visibleLines } from '../../job/visible.js';

/**
 * Prints a message on standard error, and a hint below it. Escapes text of commands and files so that it cannot act on the terminal. A
 * closed pipe or a hung-up terminal is no error.
 */
export function complain(message: string, hint?: string): void {
  try {
    writeSync(2, visibleLines(hint === undefined ? `${message}\n` : `${message}\n${hint}\n`));
  } catch {
    // There is nowhere else to report it.
  }
}

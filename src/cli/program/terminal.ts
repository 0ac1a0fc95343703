import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Columns of the terminal now; a common width where there is none. */
export function terminalWidth(): number {
  return process.stdout.columns ?? 80;
}

/**
 * Lets go of a terminal that was hung up: Node sets terminals back to what they were when it ends, and dies of it, with
 * SIGABRT and a stack trace, where there is none any more.
 */
export function leaveDeadTerminal(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      if (!fstatSync(descriptor).isCharacterDevice() || isatty(descriptor)) continue;
      closeSync(descriptor);
      // Takes the number that has just become free.
      openSync('/dev/null', 'r+');
    } catch {
      // It was closed before.
    }
  }
}

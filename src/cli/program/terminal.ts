import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Current width of the terminal in columns; a common width if there is none. */
export function terminalWidth(): number {
  return process.stdout.columns ?? 80;
}

/**
 * Detaches from a terminal that was hung up: Node restores terminal settings on exit and, without the terminal, dies with SIGABRT and a
 * stack trace.
 */
export function leaveDeadTerminal(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      if (!fstatSync(descriptor).isCharacterDevice() || isatty(descriptor)) continue;
      closeSync(descriptor);
      // Reuses the number that has just become free.
      openSync('/dev/null', 'r+');
    } catch {
      // Already closed.
    }
  }
}

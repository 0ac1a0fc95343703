import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Whether nohup(1) has started this process from a terminal. That HUP was ignored cannot be seen any more, because Node resets all signals
 * at startup. But nohup also replaces the terminal in a way that no other program does: by /dev/null, opened for writing only.
 */
export function isStartedByNohup(): boolean {
  try {
    if (readlinkSync('/proc/self/fd/0') !== '/dev/null') return false;
    // proc(5): octal, as for open(2); the lowest two bits are the access mode, and 1 is O_WRONLY.
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync('/proc/self/fdinfo/0', 'latin1'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 3) === 1;
  } catch {
    return false;
  }
}

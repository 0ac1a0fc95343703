import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Whether this process was started by nohup(1) from a terminal. That it was started with HUP ignored cannot be seen any more, because
 * Node begins by making signals mean what they always mean. But nohup has also put something in the place of the terminal that
 * nothing else puts there: /dev/null, open for writing only.
 */
export function isStartedByNohup(): boolean {
  try {
    if (readlinkSync('/proc/self/fd/0') !== '/dev/null') return false;
    // proc(5): octal, as open(2) takes them; the lowest two bits say for what, and 1 is O_WRONLY.
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync('/proc/self/fdinfo/0', 'latin1'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 3) === 1;
  } catch {
    return false;
  }
}

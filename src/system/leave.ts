import { constants } from 'node:fs';
import { loadKoffi } from './koffi.js';

// <fcntl.h> of Linux.
const F_GETFL = 3;
const F_SETFL = 4;

/**
 * Ends this process at once. `process.exit` first waits for Node's threads, and one that writes to a reader who does not read stays in
 * there for as long as that reader likes. Where the C library cannot be called the process ends by KILL, whatever the status.
 */
export function leaveAtOnce(status: number): never {
  const libc = loadKoffi()?.load(null);
  if (libc) {
    // Node makes pipes return at once, for all who have them, and sets them back only when it ends in its own way.
    const fcntl = libc.func('int fcntl(int fd, int command, int flags)');
    for (const fd of [0, 1, 2]) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~constants.O_NONBLOCK);
    libc.func('void _exit(int status)')(status);
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a process has survived KILL');
}

import { constants } from 'node:fs';
import { loadKoffi } from './koffi.js';

// <fcntl.h> of Linux.
const F_GETFL = 3;
const F_SETFL = 4;

/**
 * Ends this process at once. `process.exit` first waits for Node's threads, and a thread that writes to a stalled reader may stay blocked
 * for ever. If the C library cannot be called, the process ends by KILL, whatever the status.
 */
export function leaveAtOnce(status: number): never {
  const libc = loadKoffi()?.load(null);
  if (libc) {
    // Node makes pipes non-blocking, for all their users, and resets them only on a regular exit.
    const fcntl = libc.func('int fcntl(int fd, int command, int flags)');
    for (const fd of [0, 1, 2]) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~constants.O_NONBLOCK);
    libc.func('void _exit(int status)')(status);
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a process has survived KILL');
}

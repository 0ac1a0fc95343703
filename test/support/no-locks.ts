import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { join } from 'node:path';
import { fixture } from './programs.js';
import { temporaryFolder } from './temporary.js';

/** An environment in which every request for an fcntl lock fails with this error, as on a filesystem that has none. */
export function withoutLocks(errno: 'ENOLCK' | 'ENOSYS'): Record<string, string> {
  const library = join(temporaryFolder(), 'no-locks.so');
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, fixture('no-locks.c'), '-ldl']);
  return { LD_PRELOAD: library, NO_LOCKS_ERRNO: String(os.constants.errno[errno]) };
}

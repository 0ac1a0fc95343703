import os from 'node:os';
import { RunmakerError } from '../errors.js';
import { loadKoffi } from './koffi.js';
import { callServer } from './server-calls.js';

/** A shared lock goes together with other shared ones, an exclusive lock with none. */
export type LockKind = 'shared' | 'exclusive';

/**
 * Byte-range locks of open file descriptions (`F_OFD_SETLK`, Linux): they belong to the open file, not to the
 * process, so closing some other descriptor of the file does not drop them and a child that inherits the descriptor keeps them.
 * They exclude classic fcntl locks. See fcntl(2), "Open file description locks". Offsets may lie far beyond the file's end.
 */
export interface RecordLocks {
  /** Takes the lock unless somebody holds one that excludes it. Never waits. */
  tryLock(fd: number, kind: LockKind, start: number | bigint, length: number): boolean;
  /** The same off the main thread: a network filesystem's server may take seconds to answer. */
  tryLockAsync(fd: number, kind: LockKind, start: number | bigint, length: number): Promise<boolean>;
  unlock(fd: number, start: number | bigint, length: number): void;
  unlockAsync(fd: number, start: number | bigint, length: number): Promise<void>;
  /** Whether an exclusive lock would be granted. Takes nothing. */
  isFree(fd: number, start: number | bigint, length: number): boolean;
  isFreeAsync(fd: number, start: number | bigint, length: number): Promise<boolean>;
}

// <fcntl.h> of Linux: the numbers are the same on all 64-bit machines that Node runs on.
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;

interface Flock {
  l_type: number;
  l_whence: number;
  l_start: number | bigint;
  l_len: number | bigint;
  l_pid: number;
}

let loaded: RecordLocks | undefined;

/** Loads the C library's fcntl, once. Throws a RunmakerError of code `queue` where this host lacks such locks. */
export function recordLocks(): RecordLocks {
  loaded ??= load();
  return loaded;
}

function load(): RecordLocks {
  const koffi = process.platform === 'linux' ? loadKoffi() : undefined;
  if (koffi === undefined) {
    throw new RunmakerError('queue', `byte-range locks of open files cannot be had on this host (${process.platform} ${process.arch})`, {
      hint: 'pass --locks file, on all hosts',
    });
  }
  koffi.struct('flock', { l_type: 'short', l_whence: 'short', l_start: 'int64', l_len: 'int64', l_pid: 'int' });
  // Declared without "...": on 64-bit Linux a variadic int-and-pointer call is passed like a plain one.
  const fcntl = koffi.load(null).func('int fcntl(int fd, int command, _Inout_ flock *lock)');
  const request = (type: number, start: number | bigint, length: number): Flock => ({
    l_type: type,
    l_whence: 0,
    l_start: start,
    l_len: length,
    l_pid: 0,
  });

  const call = (fd: number, command: number, lock: Flock): boolean => fcntl(fd, command, lock) === 0 || refusedOrThrow(koffi.errno());
  const callAsync = (fd: number, command: number, lock: Flock): Promise<boolean> =>
    callServer<boolean>(done => {
      fcntl.async(fd, command, lock, (error: unknown, result: number) => {
        try {
          if (error) throw error;
          done(undefined, result === 0 || refusedOrThrow(koffi.errno()));
        } catch (cause) {
          done(cause, false);
        }
      });
    });

  const typeOf = (kind: LockKind) => (kind === 'shared' ? F_RDLCK : F_WRLCK);
  return {
    tryLock: (fd, kind, start, length) => call(fd, F_OFD_SETLK, request(typeOf(kind), start, length)),
    tryLockAsync: (fd, kind, start, length) => callAsync(fd, F_OFD_SETLK, request(typeOf(kind), start, length)),
    unlock(fd, start, length) {
      call(fd, F_OFD_SETLK, request(F_UNLCK, start, length));
    },
    async unlockAsync(fd, start, length) {
      await callAsync(fd, F_OFD_SETLK, request(F_UNLCK, start, length));
    },
    isFree(fd, start, length) {
      const lock = request(F_WRLCK, start, length);
      call(fd, F_OFD_GETLK, lock);
      return lock.l_type === F_UNLCK;
    },
    async isFreeAsync(fd, start, length) {
      const lock = request(F_WRLCK, start, length);
      await callAsync(fd, F_OFD_GETLK, lock);
      return lock.l_type === F_UNLCK;
    },
  };
}

/** False when somebody else holds the lock; throws for every other reason, as node:fs would. */
function refusedOrThrow(errno: number): false {
  if (errno === os.constants.errno.EAGAIN || errno === os.constants.errno.EACCES) return false;
  const name = Object.entries(os.constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  throw Object.assign(new Error(`${name}: fcntl lock`), { code: name, errno: -errno, syscall: 'fcntl' });
}

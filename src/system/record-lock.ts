import os from 'node:os';
import { RunmakerError, systemError } from '../errors.js';
import { loadKoffi } from './koffi.js';
import { callServer } from './server-calls.js';

/** Shared locks coexist with each other; an exclusive lock coexists with none. */
export type LockKind = 'shared' | 'exclusive';

/**
 * Byte-range locks of open file descriptions (`F_OFD_SETLK`, Linux): they belong to the open file, not to the process, so closing another
 * descriptor of the file does not drop them, and a child that inherits the descriptor keeps them. They exclude classic fcntl locks. See
 * fcntl(2), "Open file description locks". Offsets may lie far beyond the file's end.
 */
export interface RecordLocks {
  /** Takes the lock unless another one excludes it. Never waits. */
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

/**
 * A `struct flock` of 64-bit Linux: short l_type, short l_whence, 4 bytes of padding, int64 l_start, int64 l_len, int l_pid. Laid out by
 * hand, because converting an object costs three times as much as the call itself.
 */
class Flock {
  readonly bytes = new ArrayBuffer(32);
  private readonly shorts = new Int16Array(this.bytes);
  private readonly longs = new BigInt64Array(this.bytes);

  set(type: number, start: number | bigint, length: number): this {
    this.shorts[0] = type;
    this.longs[1] = BigInt(start);
    this.longs[2] = BigInt(length);
    // F_OFD_GETLK leaves -1 in l_pid, and every call requires 0.
    this.longs[3] = 0n;
    return this;
  }

  get type(): number {
    return this.shorts[0] as number;
  }
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
  // Declared without "...": on 64-bit Linux a variadic int-and-pointer call is passed like a plain one.
  const fcntl = koffi.load(null).func('int fcntl(int fd, int command, void *lock)');
  const call = (fd: number, command: number, lock: Flock): boolean => fcntl(fd, command, lock.bytes) === 0 || refusedOrThrow(koffi.errno());
  const callAsync = (fd: number, command: number, lock: Flock): Promise<boolean> =>
    callServer<boolean>(done => {
      fcntl.async(fd, command, lock.bytes, (error: unknown, result: number) => {
        try {
          if (error) throw error;
          done(undefined, result === 0 || refusedOrThrow(koffi.errno()));
        } catch (cause) {
          done(cause, false);
        }
      });
    });

  const typeOf = (kind: LockKind) => (kind === 'shared' ? F_RDLCK : F_WRLCK);
  // One for all synchronous calls; asynchronous ones have their own each.
  const flock = new Flock();
  return {
    tryLock: (fd, kind, start, length) => call(fd, F_OFD_SETLK, flock.set(typeOf(kind), start, length)),
    tryLockAsync: (fd, kind, start, length) => callAsync(fd, F_OFD_SETLK, new Flock().set(typeOf(kind), start, length)),
    unlock(fd, start, length) {
      call(fd, F_OFD_SETLK, flock.set(F_UNLCK, start, length));
    },
    async unlockAsync(fd, start, length) {
      await callAsync(fd, F_OFD_SETLK, new Flock().set(F_UNLCK, start, length));
    },
    isFree(fd, start, length) {
      call(fd, F_OFD_GETLK, flock.set(F_WRLCK, start, length));
      return flock.type === F_UNLCK;
    },
    async isFreeAsync(fd, start, length) {
      const lock = new Flock().set(F_WRLCK, start, length);
      await callAsync(fd, F_OFD_GETLK, lock);
      return lock.type === F_UNLCK;
    },
  };
}

/** False when another process holds the lock; throws for every other reason, as node:fs would. */
function refusedOrThrow(errno: number): false {
  if (errno === os.constants.errno.EAGAIN || errno === os.constants.errno.EACCES) return false;
  throw systemError(errno, 'fcntl');
}

import fs from 'node:fs';
import { callServer } from './server-calls.js';

/** A value, or the promise of one. Awaiting a plain value costs next to nothing. */
export type MaybePromise<T> = T | Promise<T>;

/** Distinguishes one file from another, and a changed file from an unchanged one. */
export interface FileFacts {
  /** Device and inode: the same for as long as it is the same file. */
  readonly identity: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, with fractions. */
  readonly modified: number;
  /** Time of the last write, rename or change of permissions, in the same unit. Unlike `modified` it cannot be set. */
  readonly touched: number;
  /** Creation time, in the same unit. Where it is unknown, 0 or the same as `touched`. */
  readonly born: number;
  readonly isFile: boolean;
  readonly mode: number;
}

/** Whether a file of this mode is writable by every user of the host. */
export function isWritableByOthers(mode: number): boolean {
  // S_IWOTH of stat(2).
  return (mode & 0o002) !== 0;
}

/**
 * Plain file access in two modes: synchronous where the disk is local (microseconds, no detour), and through the thread pool where a file
 * server answers (it may take seconds, while output, signals and timers must go on).
 */
export interface Disk {
  open(path: string, flags: number): MaybePromise<number>;
  close(fd: number): MaybePromise<void>;
  /** Reads up to `buffer.length` bytes; fewer only at the end of the file. */
  read(fd: number, buffer: Buffer, position: number): MaybePromise<number>;
  /** Writes all of `bytes`, at `position`, or at the end if the file is open for appending (`null`). */
  write(fd: number, bytes: Buffer, position: number | null): MaybePromise<void>;
  factsOf(fd: number): MaybePromise<FileFacts>;
  factsAt(path: string): MaybePromise<FileFacts>;
}

function facts(stats: fs.Stats): FileFacts {
  return {
    identity: `${stats.dev}:${stats.ino}`,
    size: stats.size,
    modified: stats.mtimeMs,
    touched: stats.ctimeMs,
    born: stats.birthtimeMs,
    isFile: stats.isFile(),
    mode: stats.mode,
  };
}

/** Calls return when the work is done. */
export const localDisk: Disk = {
  open: (path, flags) => fs.openSync(path, flags),
  close: fd => fs.closeSync(fd),
  read(fd, buffer, position) {
    let filled = 0;
    while (filled < buffer.length) {
      const count = fs.readSync(fd, buffer, filled, buffer.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  },
  write(fd, bytes, position) {
    let written = 0;
    while (written < bytes.length) {
      written += fs.writeSync(fd, bytes, written, bytes.length - written, position === null ? null : position + written);
    }
  },
  factsOf: fd => facts(fs.fstatSync(fd)),
  factsAt: path => facts(fs.statSync(path)),
};

/** Calls return at once; other threads do the work. node:fs/promises has handles of its own, and these are plain descriptors. */
export const networkDisk: Disk = {
  open: (path, flags) => callServer(done => fs.open(path, flags, done)),
  close: fd => callServer<void>(done => fs.close(fd, done as fs.NoParamCallback)),
  async read(fd, buffer, position) {
    let filled = 0;
    while (filled < buffer.length) {
      const from = filled;
      const count = await callServer<number>(done => fs.read(fd, buffer, from, buffer.length - from, position + from, done));
      if (count === 0) break;
      filled += count;
    }
    return filled;
  },
  async write(fd, bytes, position) {
    let written = 0;
    while (written < bytes.length) {
      const from = written;
      const at = position === null ? null : position + from;
      written += await callServer<number>(done => fs.write(fd, bytes, from, bytes.length - from, at, done));
    }
  },
  factsOf: async fd => facts(await callServer<fs.Stats>(done => fs.fstat(fd, done))),
  factsAt: async path => facts(await callServer<fs.Stats>(done => fs.stat(path, done))),
};

// Magic numbers of statfs(2) and of the kernel's <linux/magic.h>, for filesystems whose bytes come from another machine.
const NETWORK_FILESYSTEMS = new Map<number, string>([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9p'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x19830326, 'BeeGFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
]);

/** The kind of network filesystem that `path` lies on, or undefined for a local one. */
export async function networkFilesystem(path: string): Promise<string | undefined> {
  return NETWORK_FILESYSTEMS.get((await callServer<fs.StatsFs>(done => fs.statfs(path, done))).type);
}

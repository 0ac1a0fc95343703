import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RunmakerError } from '../../../errors.js';
import { type FileFacts, networkDisk } from '../../../system/disk.js';
import type { LockKind } from '../../../system/record-lock.js';
import { type Access, type LockableFile, type LockDriver, OpenFile } from './lock-driver.js';
import { openFlags } from './open-flags.js';

/** The part of fs-ext that is used: fcntl locks on the whole file. It has no types of its own. */
interface FsExt {
  fcntl(fd: number, command: 'setlk', kind: number, done: (error: NodeJS.ErrnoException | null) => void): void;
  constants: { F_RDLCK: number; F_WRLCK: number; F_UNLCK: number };
}

/** Of the whole process, by the file's identity. */
const descriptors = new Map<string, SharedDescriptor>();

/** The whole file, by classic fcntl locks: for POSIX hosts where byte ranges cannot be had. */
export function fileDriver(): LockDriver {
  const fsExt = loadFsExt();
  const used = new Set<SharedDescriptor>();
  const use = (descriptor: SharedDescriptor): LockableFile => {
    used.add(descriptor);
    descriptor.users.add(used);
    return new WholeFile(descriptor, fsExt);
  };
  return {
    name: 'file',
    presence: false,
    staleLooks: true,
    async open(path: string, access: Access): Promise<LockableFile> {
      const known = descriptors.get((await networkDisk.factsAt(path)).identity);
      if (known?.serves(access)) return use(known);
      const fd = await networkDisk.open(path, openFlags(access === 'append' ? 'change' : access));
      const { identity } = await networkDisk.factsOf(fd);
      const met = descriptors.get(identity);
      if (met) {
        met.add(fd, access);
        return use(met);
      }
      const fresh = new SharedDescriptor(fd, access, () => descriptors.delete(identity));
      descriptors.set(identity, fresh);
      return use(fresh);
    },
    async close() {
      for (const descriptor of used) descriptor.leave(used);
    },
  };
}

function loadFsExt(): FsExt {
  try {
    return createRequire(import.meta.url)('fs-ext') as FsExt;
  } catch (cause) {
    throw new RunmakerError('queue', 'the lock driver "file" needs the package fs-ext, which is not installed or was not compiled', {
      hint: 'npm install fs-ext (it needs a C++ compiler and python3), or pass --locks directory on all hosts',
      cause,
    });
  }
}

/**
 * Classic locks belong to the process and vanish when *any* descriptor of the file is closed in it. So all opens of one
 * file share a descriptor, which stays open until all drivers that used it are closed, and take turns at locking.
 */
class SharedDescriptor {
  /** The holders of the process's lock, and those asking for it. */
  holder: WholeFile | undefined;
  readonly users = new Set<unknown>();
  private readonly all: number[];

  constructor(
    public fd: number,
    private access: Access,
    private readonly onClosed: () => void,
  ) {
    this.all = [fd];
  }

  serves(access: Access): boolean {
    return access === 'look' || this.access !== 'look';
  }

  add(fd: number, access: Access): void {
    this.all.push(fd);
    if (this.serves(access)) return;
    this.fd = fd;
    this.access = access;
  }

  /** Closes at once, so that no descriptor is closed when the file has been opened anew. */
  leave(user: unknown): void {
    if (!this.users.delete(user) || this.users.size > 0) return;
    this.onClosed();
    for (const fd of this.all) closeSync(fd);
  }
}

class WholeFile extends OpenFile {
  constructor(
    private readonly shared: SharedDescriptor,
    private readonly fsExt: FsExt,
  ) {
    super(networkDisk, shared.fd);
  }

  override async tryLock(kind: LockKind): Promise<boolean> {
    if (this.shared.holder !== undefined && this.shared.holder !== this) return false;
    this.shared.holder = this;
    try {
      const { F_RDLCK, F_WRLCK } = this.fsExt.constants;
      await this.request(kind === 'shared' ? F_RDLCK : F_WRLCK);
      return true;
    } catch (error) {
      this.shared.holder = undefined;
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN' || code === 'EACCES') return false;
      throw error;
    }
  }

  override async unlock(): Promise<void> {
    if (this.shared.holder !== this) return;
    await this.request(this.fsExt.constants.F_UNLCK);
    this.shared.holder = undefined;
  }

  override isFree(): boolean {
    throw new RunmakerError('queue', 'the lock driver "file" cannot tell who is present');
  }

  /** The lock covers the end of the file as well, so what was the end stays the end until it is given up. */
  override async write(bytes: Buffer, position: number | null): Promise<void> {
    const at: FileFacts | undefined = position === null ? await this.facts() : undefined;
    await networkDisk.write(this.fd, bytes, at ? at.size : position);
  }

  override async close(): Promise<void> {
    await this.unlock();
  }

  private request(kind: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.fsExt.fcntl(this.fd, 'setlk', kind, error => (error ? reject(error) : resolve()));
    });
  }
}

import { setTimeout } from 'node:timers/promises';
import { errnoName } from '../../src/errors.js';
import type { Access, LockableFile, LockDriver } from '../../src/queue/file/locks/lock-driver.js';
import type { FileFacts } from '../../src/system/disk.js';
import type { LockKind } from '../../src/system/record-lock.js';

/** The operations of a lock driver and its files. */
export type LockCall = 'open' | 'tryLock' | 'unlock' | 'isFree' | 'read' | 'write' | 'facts' | 'isAt' | 'close';

/** A requested operation. */
export interface LockRequest {
  readonly call: LockCall;
  /** The mode in which the file was opened, or will be. */
  readonly access: Access;
  /** Of the lock: absent for everything else. */
  readonly kind?: LockKind;
  readonly start?: number | bigint;
}

/** Called before every operation; it may make it fail, or act as another process would at that moment. */
export type Hook = (request: LockRequest) => void | Promise<void>;

/** An error as the system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** A real lock driver, with a hook before each call, and files that can be lost as over a network when a lease has expired. */
export class HookedDriver implements LockDriver {
  readonly name;
  readonly presence;
  readonly staleLooks;
  private readonly open_ = new Set<HookedFile>();
  calls = 0;

  constructor(
    private readonly real: LockDriver,
    private readonly hook: Hook = () => undefined,
  ) {
    this.name = real.name;
    this.presence = real.presence;
    this.staleLooks = real.staleLooks;
  }

  /** How many files are open. */
  get openFiles(): number {
    return this.open_.size;
  }

  async open(path: string, access: Access): Promise<LockableFile> {
    await this.before({ call: 'open', access });
    const file = new HookedFile(await this.real.open(path, access), access, this, () => this.open_.delete(file));
    this.open_.add(file);
    return file;
  }

  async close(): Promise<void> {
    await this.real.close?.();
  }

  /** Drops the locks of all open files, which can no longer be read or written. New locks are granted, as on NFSv4. */
  async loseLease(): Promise<void> {
    for (const file of this.open_) await file.lose();
  }

  async before(request: LockRequest): Promise<void> {
    this.calls++;
    await this.hook(request);
  }
}

/** After this time, in ms, an interrupted lock is released once more. */
const LATER = 300;

/** The maximum length of a file, with the bytes reserved behind it. */
const EVERYTHING = 0;

function bytesFrom(start: number | bigint, length: number): bigint[] {
  return Array.from({ length }, (_, at) => BigInt(start) + BigInt(at));
}

class HookedFile implements LockableFile {
  /** As Linux does it: the loss is remembered with the locks of the descriptor, for as long as it has any. */
  private lost = false;
  private readonly locked = new Set<bigint>();
  private isOpen = true;

  constructor(
    private readonly real: LockableFile,
    private readonly access: Access,
    private readonly driver: HookedDriver,
    private readonly closed: () => void,
  ) {}

  get fd(): number {
    return this.real.fd;
  }

  async lose(): Promise<void> {
    this.lost = true;
    // A length of 0 reaches to the end of all offsets.
    await this.real.unlock(0, EVERYTHING);
  }

  async tryLock(kind: LockKind, start: number | bigint, length: number): Promise<boolean> {
    try {
      await this.before({ call: 'tryLock', access: this.access, kind, start });
    } catch (error) {
      if (errnoName(error) === 'EINTR') await this.cutShort(start, length);
      throw error;
    }
    const granted = await this.real.tryLock(kind, start, length);
    if (granted) for (const byte of bytesFrom(start, length)) this.locked.add(byte);
    return granted;
  }

  /** As Linux does it on NFSv3 (nlmclnt_lock in its fs/lockd/clntproc.c): an earlier lock there is released, by a call that takes its time. */
  private async cutShort(start: number | bigint, length: number): Promise<void> {
    await this.real.unlock(start, length);
    void setTimeout(LATER).then(() => this.isOpen && this.real.unlock(start, length));
  }

  async unlock(start: number | bigint, length: number): Promise<void> {
    await this.before({ call: 'unlock', access: this.access, start });
    if (length === EVERYTHING) this.locked.clear();
    for (const byte of bytesFrom(start, length)) this.locked.delete(byte);
    if (this.locked.size === 0) this.lost = false;
    return this.real.unlock(start, length);
  }

  async isFree(start: number | bigint, length: number): Promise<boolean> {
    await this.before({ call: 'isFree', access: this.access, start });
    return this.real.isFree(start, length);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    await this.before({ call: 'read', access: this.access });
    return this.real.read(buffer, position);
  }

  async write(bytes: Buffer, position: number | null): Promise<void> {
    await this.before({ call: 'write', access: this.access });
    return this.real.write(bytes, position);
  }

  async facts(): Promise<FileFacts> {
    await this.before({ call: 'facts', access: this.access });
    return this.real.facts();
  }

  async isAt(path: string): Promise<boolean> {
    await this.before({ call: 'isAt', access: this.access });
    return this.real.isAt(path);
  }

  /** Closes finally even when the hook makes it fail, as close(2) does. */
  async close(): Promise<void> {
    this.closed();
    this.isOpen = false;
    try {
      await this.before({ call: 'close', access: this.access });
    } finally {
      await this.real.close();
    }
  }

  private async before(request: LockRequest): Promise<void> {
    if (this.lost && (request.call === 'read' || request.call === 'write')) throw systemError('EIO');
    await this.driver.before(request);
  }
}

/**
 * locks/: how a runs file is locked. Three drivers, one shape:
 *
 * `record`: byte ranges · `file`: the whole file · `directory`: a folder beside the file.
 *
 * The drivers of the whole file lock all of it whatever range is asked for, so "busy" means that somebody is changing
 * something, not that this very line is locked: a refused caller looks again.
 */
import { errnoName } from '../../../errors.js';
import type { Disk, FileFacts, MaybePromise } from '../../../system/disk.js';
import type { LockKind } from '../../../system/record-lock.js';
import type { LockDriverName } from '../../queue.js';

/** What a file is opened for. Exclusive locks need `change`. */
export type Access = 'look' | 'change' | 'append';

/** A way to lock runs files. */
export interface LockDriver {
  readonly name: LockDriverName;
  /** Whether a lock can be held for as long as a job runs, and outlive its runner in the job's process. */
  readonly presence: boolean;
  /** Whether a look without a lock may show what was there minutes ago. */
  readonly staleLooks: boolean;
  /** Whether what is read under a lock comes from the server each time, and fails when the lock was lost. */
  readonly direct?: boolean;
  /** Whether what was written is on the disk as soon as its lock is given up, or the file is closed. */
  readonly writesThrough?: boolean;
  /** Opens the file once more; locks taken through it are its own and end with `close`. */
  open(path: string, access: Access): MaybePromise<LockableFile>;
  /** Gives up what is kept between opens. */
  close?(): Promise<void>;
}

/** An open runs file. Positions and lengths are in bytes. */
export interface LockableFile {
  /** The open descriptor; what a job inherits to prove that it is alive. */
  readonly fd: number;
  /** Never waits: false when another holder's lock excludes this one. */
  tryLock(kind: LockKind, start: number | bigint, length: number): MaybePromise<boolean>;
  unlock(start: number | bigint, length: number): MaybePromise<void>;
  /** Whether no other holder has a lock on these bytes, none of which this file has locked. Only meaningful for drivers with presence. */
  isFree(start: number | bigint, length: number): MaybePromise<boolean>;
  read(buffer: Buffer, position: number): MaybePromise<number>;
  write(bytes: Buffer, position: number | null): MaybePromise<void>;
  facts(): MaybePromise<FileFacts>;
  /** Whether the file at `path` is still this one: an editor may have put another in its place. */
  isAt(path: string): Promise<boolean>;
  close(): MaybePromise<void>;
}

/** The part that all drivers share: reading and writing an open descriptor. */
export abstract class OpenFile implements LockableFile {
  /** That of the open file stays what it is, whatever is put in its place. */
  private identity: string | undefined;

  constructor(
    protected readonly disk: Disk,
    readonly fd: number,
  ) {}

  abstract tryLock(kind: LockKind, start: number | bigint, length: number): MaybePromise<boolean>;
  abstract unlock(start: number | bigint, length: number): MaybePromise<void>;
  abstract isFree(start: number | bigint, length: number): MaybePromise<boolean>;

  read(buffer: Buffer, position: number): MaybePromise<number> {
    return this.disk.read(this.fd, buffer, position);
  }

  write(bytes: Buffer, position: number | null): MaybePromise<void> {
    return this.disk.write(this.fd, bytes, position);
  }

  facts(): MaybePromise<FileFacts> {
    const facts = this.disk.factsOf(this.fd);
    if (!(facts instanceof Promise)) this.identity = facts.identity;
    return facts;
  }

  async isAt(path: string): Promise<boolean> {
    try {
      this.identity ??= (await this.facts()).identity;
      return (await this.disk.factsAt(path)).identity === this.identity;
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return false;
      throw error;
    }
  }

  close(): MaybePromise<void> {
    return this.disk.close(this.fd);
  }
}

import { isFull, RunmakerError } from '../../../errors.js';
import { LF } from '../../../job/line.js';
import type { State } from '../../../job/state.js';
import { APPEND_BYTE } from '../../../system/reserved-bytes.js';
import { syncData } from '../../../system/sync-data.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { lockSoon } from '../locks/try-lock.js';
import { PATIENCE, type RunsFile } from '../runs-file.js';
import { behindLineEnd, blankComments, isSameButStates, pendingLines, piecesOf, published } from './pending-lines.js';

/** A file that is edited again and again while jobs are appended to it is given up after so many tries. */
const MOST_TRIES = 20;
/** How much is written at once on a local disk, and made into jobs at once, in bytes. */
const PIECE = { written: 4096, published: 64 * 1024 };

/** Where a piece of the pending lines lies in the file, in bytes. */
interface Piece {
  readonly at: number;
  readonly pending: Buffer;
}

/**
 * Appends jobs, once, however often that has to be tried. They are written as lines that are no jobs, brought to the disk, and only then
 * made into jobs in place: a process that is killed, a full disk and a power cut leave no half command that could be run.
 */
export class JobAppender {
  private readonly pending: Buffer;
  /** What may have reached the file although the call failed: the file, its size before, and what was written. */
  private tried: { readonly identity: string; readonly size: number; readonly pending: Buffer } | undefined;
  /** Whether some of the lines are jobs by now. */
  private isPublished = false;

  constructor(
    private readonly runs: RunsFile,
    commands: readonly Buffer[],
    state: State,
  ) {
    this.pending = pendingLines(commands, state);
  }

  async make(): Promise<void> {
    if (this.pending.length === 0) return;
    for (let tries = 1; !(await this.append()); tries++) {
      if (this.isPublished || tries === MOST_TRIES) throw this.edited();
    }
    this.runs.syncer.note();
  }

  /** False when the file was edited meanwhile, and the lines are not where they were written. */
  private async append(): Promise<boolean> {
    const { driver, path } = this.runs;
    const file = await driver.open(path, 'change');
    try {
      await lockSoon(file, 'exclusive', APPEND_BYTE, 1, PATIENCE, `the end of ${path}`);
      if (!(await file.isAt(path))) return false;
      const pieces = await this.writePending(file);
      return pieces !== undefined && (await this.publish(file, pieces));
    } finally {
      await file.close();
    }
  }

  /** Writes the pending lines to the end of the file and brings them to the disk. Undefined when they are not found there. */
  private async writePending(file: LockableFile): Promise<readonly Piece[] | undefined> {
    const { driver, path } = this.runs;
    const end = await driver.open(path, 'append');
    try {
      const { identity, size } = await file.facts();
      if ((await end.facts()).identity !== identity) return undefined;
      const there = await this.writtenBefore(file, identity, size);
      if (there === 0) {
        if (this.isPublished) return undefined;
        this.tried = { identity, size, pending: await this.toWrite(file, size) };
      }
      const { size: from, pending } = this.tried as NonNullable<typeof this.tried>;
      const most = driver.staleLooks ? pending.length : PIECE.written;
      try {
        for (const piece of piecesOf(pending.subarray(there), most)) await end.write(piece, null);
      } catch (error) {
        if (isFull(error)) await this.blankOut(file, from, pending).catch(() => undefined);
        throw error;
      }
      if (there < pending.length) await syncData(end.fd);
      return await this.find(file, from, pending, most);
    } finally {
      await end.close();
    }
  }

  private async toWrite(file: LockableFile, size: number): Promise<Buffer> {
    const last = Buffer.alloc(1);
    const lacksEnd = size > 0 && (await file.read(last, size - 1)) === 1 && last[0] !== LF;
    return lacksEnd ? behindLineEnd(this.pending) : this.pending;
  }

  /** How many bytes an earlier try has written: all of them, or what the file ends with. */
  private async writtenBefore(file: LockableFile, identity: string, size: number): Promise<number> {
    const { tried } = this;
    if (tried?.identity !== identity || size <= tried.size) return 0;
    const { pending } = tried;
    const tail = await bytesAt(file, tried.size, size);
    if (isSameButStates(tail, pending) || tail.includes(pending)) return pending.length;
    return tail.length < pending.length && tail.equals(pending.subarray(0, tail.length)) ? tail.length : 0;
  }

  /** Where the pending lines are: together, unless other programs have appended at the same time. */
  private async find(file: LockableFile, from: number, pending: Buffer, most: number): Promise<Piece[] | undefined> {
    const tail = await bytesAt(file, from, (await file.facts()).size);
    if (isSameButStates(tail, pending)) return [{ at: from, pending }];
    const pieces: Piece[] = [];
    let searched = 0;
    for (const piece of piecesOf(pending, most)) {
      const at = tail.indexOf(piece, searched);
      if (at < 0) return undefined;
      pieces.push({ at: from + at, pending: piece });
      searched = at + piece.length;
    }
    return pieces;
  }

  /** Makes the pending lines into jobs, in place. False when they are not where they were written. */
  private async publish(file: LockableFile, pieces: readonly Piece[]): Promise<boolean> {
    const { path } = this.runs;
    for (const { at, pending } of pieces) {
      let start = at;
      // Little at a time: an editor that saves in place just now is noticed before the next write.
      for (const lines of piecesOf(pending, PIECE.published)) {
        await lockSoon(file, 'exclusive', start, lines.length, PATIENCE, `the end of ${path}`);
        try {
          if (!(await file.isAt(path))) return false;
          const now = await bytesAt(file, start, start + lines.length);
          if (!isSameButStates(now, lines)) return false;
          await file.write(published(now), start);
          this.isPublished = true;
        } finally {
          await file.unlock(start, lines.length);
        }
        start += lines.length;
      }
    }
    return true;
  }

  /**
   * Leaves nothing but comments of lines that a full disk has cut short. The file is never made shorter: other programs may have appended
   * to it meanwhile, and their lines then begin on a line of their own.
   */
  private async blankOut(file: LockableFile, from: number, pending: Buffer): Promise<void> {
    const tail = await bytesAt(file, from, (await file.facts()).size);
    let length = 0;
    while (length < tail.length && tail[length] === pending[length]) length++;
    const kept = pending[0] === LF ? 1 : 0;
    if (length > kept) await file.write(blankComments(length - kept), from + kept);
  }

  private edited(): RunmakerError {
    const { path } = this.runs;
    return this.isPublished
      ? new RunmakerError('queue', `${path} was edited while jobs were appended: not all of them are there`, {
          hint: 'look at the end of the file before you add them again; lines that begin with ".+" are not jobs',
        })
      : new RunmakerError('queue', `${path} is edited again and again: no job was appended`, { hint: 'try again later' });
  }
}

async function bytesAt(file: LockableFile, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.max(0, to - from));
  return bytes.subarray(0, await file.read(bytes, from));
}

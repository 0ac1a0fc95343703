import { LF } from '../../../job/line.js';
import type { LockableFile } from '../locks/lock-driver.js';

/**
 * Chooses among whole lines, as they are under the lock: where in these bytes the states are that are to be set, ascending.
 * Undefined when they are not the lines that they should be.
 */
export type Choose = (bytes: Buffer) => readonly number[] | undefined;

/** Sets the states of many lines at once. Keeps its memory: fresh memory for each block would cost more than reading it. */
export class BlockSetter {
  private memory = Buffer.allocUnsafeSlow(0);

  constructor(private readonly file: LockableFile) {}

  /**
   * Sets states among whole lines that lie together. What is to be set is chosen on bytes that are read under an exclusive lock
   * on all of them, and the lock is held until they are written: nobody can change a line, or claim it, in between.
   *
   * @returns how many were set; undefined, and nothing was written, when somebody holds a lock there, or when these are not
   *   whole lines any more, or when `choose` says so
   */
  async set(start: number, length: number, state: number, choose: Choose): Promise<number | undefined> {
    const { file } = this;
    if (!(await file.tryLock('exclusive', start, length))) return undefined;
    try {
      const bytes = await this.read(start, length);
      const chosen = bytes && choose(bytes);
      if (bytes === undefined || chosen === undefined) return undefined;
      for (const at of chosen) bytes[at] = state;
      const [first, last] = [chosen[0], chosen.at(-1)];
      if (first !== undefined && last !== undefined) await file.write(bytes.subarray(first, last + 1), start + first);
      return chosen.length;
    } finally {
      await file.unlock(start, length);
    }
  }

  /** Undefined when no line begins at `start`, or none ends where it should. */
  private async read(start: number, length: number): Promise<Buffer | undefined> {
    const before = start === 0 ? 0 : 1;
    if (this.memory.length < before + length) this.memory = Buffer.allocUnsafeSlow(before + length);
    const read = this.memory.subarray(0, before + length);
    if ((await this.file.read(read, start - before)) < read.length) return undefined;
    if (before === 1 && read[0] !== LF) return undefined;
    // The last line of a file may lack its line end.
    if (read[read.length - 1] !== LF && (await this.file.facts()).size !== start + length) return undefined;
    return read.subarray(before);
  }
}

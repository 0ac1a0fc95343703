import { isFull } from '../../../errors.js';
import type { ClaimRequest } from '../../queue.js';
import { explain } from '../explain-error.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { asFarAsPossible } from '../patience.js';
import { describeDamage, type ReadLine, writeState } from './write-state.js';

/** Writes the states of one queue's claims. Where every write needs new room, as on copy-on-write disks, a full one is told, once. */
export class StateWriter {
  /** Whom to tell: who has claimed last. */
  tell: ClaimRequest['tell'];
  private isTold = false;
  /** Whether a state has come to lie in another line, and no result says so yet. */
  private hasDamaged = false;

  constructor(private readonly path: string) {}

  /**
   * Writes a state, under the lock on it. False when the line is not there any more. Throws what the system says; when there was no room
   * the lock is given up.
   */
  async write(file: LockableFile, state: number, line: ReadLine & { readonly number: number }): Promise<boolean> {
    const { start } = line;
    try {
      const written = await writeState(file, state, line);
      if (written === 'mended' || written === 'damaged') {
        this.hasDamaged = true;
        this.tell?.({ kind: 'news', ...describeDamage(this.path, written, line.number, state) });
      }
      return written === 'written';
    } catch (error) {
      if (isFull(error)) {
        this.tellOnce(error);
        // Until the next try, which may be long away, nobody must wait for us who reads the whole file under a lock.
        await asFarAsPossible(() => file.unlock(start, 1));
      }
      throw error;
    }
  }

  /** Whether a state has come to lie in another line since this was asked last. */
  takeDamage(): boolean {
    const { hasDamaged } = this;
    this.hasDamaged = false;
    return hasDamaged;
  }

  private tellOnce(error: unknown): void {
    if (this.isTold || this.tell === undefined) return;
    this.isTold = true;
    const { message } = explain(this.path, error);
    const hint = 'make room: states are kept, and tried again for as long as --patience says';
    this.tell({ kind: 'news', message: `${message}: the state of a job cannot be written`, hint });
  }
}

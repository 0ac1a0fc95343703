import { isFull } from '../../../errors.js';
import type { ClaimRequest } from '../../queue.js';
import { explain } from '../explain-error.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { asFarAsPossible } from '../patience.js';

/** Writes the states of one queue's claims. Where every write needs new room, as on copy-on-write disks, a full one is told, once. */
export class StateWriter {
  /** Whom to tell: who has claimed last. */
  tell: ClaimRequest['tell'];
  private isTold = false;

  constructor(private readonly path: string) {}

  /** Writes a state byte, under the lock on it. Throws what the system says; when there was no room the lock is given up. */
  async write(file: LockableFile, state: Buffer, start: number): Promise<void> {
    try {
      await file.write(state, start);
    } catch (error) {
      if (isFull(error)) {
        this.tellOnce(error);
        // Until the next try, which may be long away, nobody must wait for us who reads the whole file under a lock.
        await asFarAsPossible(() => file.unlock(start, 1));
      }
      throw error;
    }
  }

  private tellOnce(error: unknown): void {
    if (this.isTold || this.tell === undefined) return;
    this.isTold = true;
    const { message } = explain(this.path, error);
    const hint = 'make room: states are kept, and tried again for as long as --patience says';
    this.tell({ kind: 'news', message: `${message}: the state of a job cannot be written`, hint });
  }
}

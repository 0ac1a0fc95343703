import { writevSync } from 'node:fs';
import { ByteSink, type ByteSinkOptions } from '../../report/output/byte-sink.js';

/**
 * Standard output of a program that prints what it was asked for. A reader that has gone is no mistake: nothing more is printed,
 * and nothing said. What cannot be written for another reason is lost; that is told once, and the program must not end well.
 */
export class Output {
  /** For a program that has other things to do while its reader is slow. */
  readonly offThread: ByteSink;
  private readonly atOnce: ByteSink;
  private gone = false;
  private lost = false;

  /** @param tell takes the first error, unless it is that the reader has gone */
  constructor(tell: (error: unknown) => void) {
    const fate: ByteSinkOptions = {
      onGone: () => {
        this.gone = true;
      },
      onError: error => {
        if (!this.lost) tell(error);
        this.lost = true;
      },
    };
    this.offThread = new ByteSink(1, fate);
    // Programs that list have nothing else to do meanwhile, and a detour to another thread takes longer than to write.
    this.atOnce = new ByteSink(1, { ...fate, write: async (fd, parts) => writevSync(fd, parts) });
  }

  /** Whether something did not reach a reader that is still there. */
  get isLost(): boolean {
    return this.lost;
  }

  /** Takes the bytes for good. False when what follows will not arrive: there is no point in going on. */
  async print(bytes: Buffer): Promise<boolean> {
    await this.atOnce.give(bytes);
    return this.arrives;
  }

  /** The same for bytes that are only lent: settles when they are written. */
  async printLent(bytes: Buffer): Promise<boolean> {
    void this.atOnce.give(bytes);
    await this.atOnce.flush();
    return this.arrives;
  }

  /** Settles when everything is written, or lost. */
  async close(): Promise<void> {
    await Promise.all([this.atOnce.close(), this.offThread.close()]);
  }

  private get arrives(): boolean {
    return !this.gone && !this.lost;
  }
}

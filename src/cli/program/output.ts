import { writevSync } from 'node:fs';
import { ByteSink, type ByteSinkOptions } from '../../report/output/byte-sink.js';

/**
 * Standard output of a program that prints a result. A reader that has gone is no error: printing stops silently. Output that cannot be
 * written for another reason is lost; the first such error is reported, and the program must not exit with success.
 */
export class Output {
  /** For programs with other work to do while the reader is slow. */
  readonly offThread: ByteSink;
  private readonly atOnce: ByteSink;
  private gone = false;
  private lost = false;

  /** @param tell receives the first error, unless it is that the reader has gone */
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
    // Programs that list have no other work meanwhile, and handing a write to another thread takes longer than the write.
    this.atOnce = new ByteSink(1, { ...fate, write: async (fd, parts) => writevSync(fd, parts) });
  }

  /** Whether some output did not reach a reader that is still there. */
  get isLost(): boolean {
    return this.lost;
  }

  /** Takes ownership of the bytes. Returns false if further output will not arrive, so there is no point in going on. */
  async print(bytes: Buffer): Promise<boolean> {
    await this.atOnce.give(bytes);
    return this.arrives;
  }

  /** The same for borrowed bytes: settles when they are written. */
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

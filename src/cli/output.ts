import { writevSync } from 'node:fs';
import { ByteSink } from '../report/byte-sink.js';

/** Standard output for programs that print much: waits for a slow reader, and knows when the reader has gone. */
export class Output {
  private gone = false;
  private readonly sink = new ByteSink(1, {
    // At once: these programs have nothing else to do meanwhile, and a detour to another thread takes longer than to write.
    write: async (fd, parts) => writevSync(fd, parts),
    onGone: () => {
      this.gone = true;
    },
  });

  /** Takes the bytes for good. False when nobody reads any more: there is no point in going on. */
  async print(bytes: Buffer): Promise<boolean> {
    await this.sink.give(bytes);
    return !this.gone;
  }

  /** The same for bytes that are only lent: settles when they are written. */
  async printLent(bytes: Buffer): Promise<boolean> {
    void this.sink.give(bytes);
    await this.sink.flush();
    return !this.gone;
  }

  close(): Promise<void> {
    return this.sink.close();
  }
}

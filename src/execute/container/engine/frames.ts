import type { OutputStream } from '../../executor.js';

/** Part of one of a container's outputs. */
export interface Piece {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/** One byte for the stream, three unused, four for the length in big-endian order. */
const HEADER = 8;
const STDERR = 2;

/**
 * Splits the single stream in which an engine sends both outputs of a container without a terminal: frames, each after a header. Chunks may
 * cut either anywhere.
 */
export class Frames {
  private readonly header = Buffer.alloc(HEADER);
  private headerBytes = 0;
  private left = 0;

  /** The pieces of output in these bytes. They are parts of `chunk`, not copies. */
  *push(chunk: Buffer): Generator<Piece> {
    let at = 0;
    while (at < chunk.length) {
      if (this.left > 0) {
        const bytes = chunk.subarray(at, at + this.left);
        at += bytes.length;
        this.left -= bytes.length;
        yield { stream: this.header[0] === STDERR ? 'stderr' : 'stdout', bytes };
        continue;
      }
      const copied = chunk.copy(this.header, this.headerBytes, at, at + HEADER - this.headerBytes);
      at += copied;
      this.headerBytes += copied;
      if (this.headerBytes < HEADER) return;
      this.headerBytes = 0;
      this.left = this.header.readUInt32BE(4);
    }
  }
}

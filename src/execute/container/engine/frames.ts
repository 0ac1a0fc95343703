import type { OutputStream } from '../../executor.js';

/** Part of one of a container's outputs. */
export interface Piece {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/** One byte for the stream, three of nothing, four for the length, the highest first. */
const HEADER = 8;
const STDERR = 2;

/**
 * Takes apart the one stream in which an engine sends both outputs of a container without a terminal: frame by frame, each after a header.
 * Both may be cut anywhere.
 */
export class Frames {
  private readonly header = Buffer.alloc(HEADER);
  private headerBytes = 0;
  private left = 0;

  /** The pieces of output that these bytes hold. They are parts of `chunk`, not copies. */
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

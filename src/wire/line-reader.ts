const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Cuts a stream of bytes into lines. Keeps no more than the incomplete line, however small the pieces in which it comes. */
export class LineReader {
  /** Room for the incomplete line, and how much of it is filled. */
  private held = NOTHING;
  private length = 0;

  /** @param longest bytes, line feed not included */
  constructor(private readonly longest: number) {}

  /** What has come of the incomplete line. */
  get rest(): Buffer {
    return this.held.subarray(0, this.length);
  }

  /**
   * Calls `take` for each line that these bytes complete, without its line feed. The line is only lent.
   * @throws RangeError when a line is too long, complete or not
   */
  feed(bytes: Buffer, take: (line: Buffer) => void): void {
    let start = 0;
    for (let feed = bytes.indexOf(LF); feed >= 0; feed = bytes.indexOf(LF, start)) {
      const part = bytes.subarray(start, feed);
      start = feed + 1;
      if (this.length === 0) {
        this.refuseOver(part.length);
        take(part);
        continue;
      }
      this.hold(part);
      const line = this.rest;
      this.held = NOTHING;
      this.length = 0;
      take(line);
    }
    if (start < bytes.length) this.hold(bytes.subarray(start));
  }

  private hold(part: Buffer): void {
    const length = this.length + part.length;
    this.refuseOver(length);
    if (length > this.held.length) {
      const room = Buffer.allocUnsafe(Math.min(Math.max(length, this.held.length * 2), this.longest));
      this.rest.copy(room);
      this.held = room;
    }
    part.copy(this.held, this.length);
    this.length = length;
  }

  private refuseOver(length: number): void {
    if (length > this.longest) throw new RangeError(`a line of more than ${this.longest} bytes`);
  }
}

import { wholeCharacters } from '../../job/utf8.js';

const LF = 0x0a;
const LINE_FEED = Buffer.from('\n');

/** A longer line is passed on in parts: a stream without newlines must not fill the memory. */
export const LONGEST_PART = 64 * 1024;

/** Assembles whole lines from the chunks of one stream. Keeps only the beginning of an unfinished line. */
export class LineAssembler {
  private readonly longest: number;
  private parts: Buffer[] = [];
  private size = 0;

  /** @param longest more bytes than this without a newline are passed on as a line of their own */
  constructor(longest = LONGEST_PART) {
    this.longest = longest;
  }

  /**
   * Takes borrowed bytes.
   *
   * @returns the lines that are now complete, each with its newline, in one buffer that may be a part of `bytes`;
   *   undefined when there is none
   */
  push(bytes: Buffer): Buffer | undefined {
    const end = bytes.lastIndexOf(LF) + 1;
    if (end === 0) {
      this.keep(bytes);
      return this.size > this.longest ? this.cut() : undefined;
    }
    const last = bytes.subarray(0, end);
    const lines = this.parts.length === 0 ? last : Buffer.concat([...this.parts, last]);
    this.parts = [];
    this.size = 0;
    this.keep(bytes.subarray(end));
    return this.size > this.longest ? Buffer.concat([lines, this.cut()]) : lines;
  }

  /** Ends the stream: returns the unfinished line, if any, with a newline added. */
  flush(): Buffer | undefined {
    if (this.size === 0) return undefined;
    const line = Buffer.concat([...this.parts, LINE_FEED]);
    this.parts = [];
    this.size = 0;
    return line;
  }

  private keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.parts.push(Buffer.from(bytes));
    this.size += bytes.length;
  }

  private cut(): Buffer {
    const line = this.flush()!;
    // Without the newline just added. The bytes of a split character are kept for the next part.
    const end = wholeCharacters(line, line.length - 1);
    this.keep(line.subarray(end, -1));
    return end === line.length - 1 ? line : Buffer.concat([line.subarray(0, end), LINE_FEED]);
  }
}

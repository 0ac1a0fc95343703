import type { Job } from './job.js';
import { contentEnd, jobState, LF, NOT_A_JOB } from './line.js';

/** The words for `holder` in output. */
export const PRESENCE = { present: 'running', absent: 'orphaned' } as const;

const LINE_FEED = Buffer.from('\n');

/** `id: state - command`, the form of `runset --list`; a job in hand is followed by whether its owner is present. */
export function jobLine(job: Job): Buffer {
  const head = Buffer.from(`${job.id}: ${job.state} - `, 'latin1');
  const tail = job.holder === undefined ? LINE_FEED : Buffer.from(`  (${PRESENCE[job.holder]})\n`);
  return Buffer.concat([head, job.command, tail]);
}

const [COLON, BLANK, DASH, ZERO, NINE] = [0x3a, 0x20, 0x2d, 0x30, 0x39];
/** State and separator in the file. */
const BEFORE_COMMAND = 2;
/** `: `, the state, ` - ` and the line end. */
const AROUND = 7;
/** Copying so few bytes one by one is faster than a call for all of them. */
const FEW = 64;

/** How to print jobs in a state. */
export const Print = { never: 0, asItIs: 1, withHolder: 2 } as const;

/**
 * Prints the jobs of whole lines like `jobLine`, from bytes to bytes: one object per job takes five times as long for a million jobs. The
 * next call reuses the memory of the text.
 */
export class LinePrinter {
  private out: Buffer = Buffer.allocUnsafeSlow(0);
  /** The number of the previous line, in digits, padded with blanks. */
  private readonly number = Buffer.from('0'.padStart(16));

  /** Lines so far. */
  line = 0;

  /** @param prints by state byte */
  constructor(private readonly prints: Uint8Array) {}

  /** Undefined if there is a job whose holder must be printed: nothing was printed or counted then. */
  print(bytes: Buffer): Buffer | undefined {
    const { prints, number } = this;
    const { length } = bytes;
    let { out } = this;
    let at = 0;
    let lines = 0;
    let digits = this.setNumber();
    for (let start = 0; start < length; lines++) {
      const feed = bytes.indexOf(LF, start);
      const lineEnd = feed < 0 ? length : feed;
      const end = contentEnd(bytes, start, lineEnd);
      const state = jobState(bytes, start, end);
      digits = increased(number, digits);
      if (state !== NOT_A_JOB && prints[state] !== Print.never) {
        if (prints[state] === Print.withHolder) return undefined;
        if (at + end - start + AROUND + number.length > out.length) out = this.grown(out, at, end - start);
        for (let digit = digits; digit < number.length; digit++) out[at++] = number[digit] as number;
        out[at++] = COLON;
        out[at++] = BLANK;
        out[at++] = state;
        out[at++] = BLANK;
        out[at++] = DASH;
        out[at++] = BLANK;
        if (end - start > FEW) at += bytes.copy(out, at, start + BEFORE_COMMAND, end);
        else for (let next = start + BEFORE_COMMAND; next < end; next++) out[at++] = bytes[next] as number;
        out[at++] = LF;
      }
      start = lineEnd + 1;
    }
    this.line += lines;
    return out.subarray(0, at);
  }

  /** Puts `line` into digits and returns where they begin. */
  private setNumber(): number {
    const text = String(this.line);
    this.number.write(text.padStart(this.number.length), 'latin1');
    return this.number.length - text.length;
  }

  private grown(out: Buffer, used: number, more: number): Buffer {
    this.out = Buffer.allocUnsafeSlow(2 * (out.length + more) + LEAST);
    out.copy(this.out, 0, 0, used);
    return this.out;
  }
}

const LEAST = 64 * 1024;

/** Adds one to a number in digits that begin at `from`. Returns where they begin then. */
function increased(number: Buffer, from: number): number {
  let at = number.length - 1;
  while (at >= from && number[at] === NINE) number[at--] = ZERO;
  number[at] = at < from ? ZERO + 1 : (number[at] as number) + 1;
  return Math.min(at, from);
}

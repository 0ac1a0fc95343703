import { setImmediate } from 'node:timers/promises';
import { DIRECTIVE_SIGN, directiveMark } from '../../../job/directive-mark.js';
import { type Directives, NO_DIRECTIVES, type ParsedDirectives, parseDirectives } from '../../../job/directives.js';
import { contentEnd, isBarrier, isStray, jobState, LF, NOT_A_JOB } from '../../../job/line.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { digest, STATELESS } from './fingerprint.js';
import { LineIndex } from './line-index.js';

/** Longer lines are not read into memory: no shell takes a command of a hundredth of this. */
export const LONGEST_LINE = 16 * 1024 * 1024;

const BLOCK = 1024 * 1024;
/** How much is read between two breaths of the event loop. */
const BREATH = 16 * BLOCK;
/** A guess, for making room: runs files have lines of 20 to 200 bytes. */
const EXPECTED_LINE_LENGTH = 24;
/** Distinct texts of directives that are kept, so that lines which say the same share one object. */
const KEPT_DIRECTIVES = 4096;

/** Of a stray line so many bytes are kept, to be shown. */
const LONGEST_STRAY = 256;

/** State and separator. */
const BEFORE_COMMAND = 2;

const [BLANK, HASH, COLON] = Buffer.from(DIRECTIVE_SIGN, 'latin1') as unknown as readonly [number, number, number];

/** Reads the whole file once, a block at a time. `size`: how far, in bytes; less when the file turns out to be shorter. */
export async function scan(file: LockableFile, size: number): Promise<LineIndex> {
  const index = new LineIndex(Math.ceil(size / EXPECTED_LINE_LENGTH));
  const scanner = new Scanner(index);
  let block = Buffer.allocUnsafe(Math.min(BLOCK, Math.max(size, 1)));
  let position = 0;
  let breath = BREATH;
  while (position < size) {
    const wanted = block.subarray(0, Math.min(block.length, size - position));
    const got = await file.read(wanted, position);
    if (got === 0) break;
    const atEnd = position + got >= size || got < wanted.length;
    const firstLine = index.lineCount + 1;
    const taken = scanner.take(wanted.subarray(0, got), position, atEnd);
    if (taken > 0) {
      const fingerprint = digest(wanted.subarray(0, taken));
      index.blocks.push({ start: position, end: position + taken, firstLine, lastLine: index.lineCount, fingerprint });
      position += taken;
    } else if (block.length < LONGEST_LINE) {
      block = Buffer.allocUnsafe(Math.min(LONGEST_LINE, block.length * 4));
    } else {
      position = scanner.takeOverlong(wanted, position, await endOfLine(file, position, size));
    }
    if (position > breath) {
      breath = position + BREATH;
      await setImmediate();
    }
  }
  index.complete(position);
  return index;
}

/**
 * Where the next mark of directives begins; Infinity when there is none. To look for its only rare byte is twenty times as
 * fast as to look for all of it.
 */
function nextMark(block: Buffer, from: number): number {
  for (let hash = block.indexOf(HASH, from); hash >= 0; hash = block.indexOf(HASH, hash + 1)) {
    if (block[hash - 1] === BLANK && block[hash + 1] === COLON) return hash - 1;
  }
  return Number.POSITIVE_INFINITY;
}

async function endOfLine(file: LockableFile, start: number, size: number): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK);
  for (let position = start; position < size; position += BLOCK) {
    const got = await file.read(block, position);
    const at = block.subarray(0, got).indexOf(LF);
    if (at >= 0) return position + at + 1;
  }
  return size;
}

/** Finds lines, states, barriers and directives in consecutive blocks. */
class Scanner {
  private readonly seen = new Map<string, Directives>();

  constructor(private readonly index: LineIndex) {}

  /**
   * Takes the whole lines of a block that starts at byte `position` of the file, and says how many bytes those were.
   * Leaves `STATELESS` in place of the states: fingerprints are taken without them.
   */
  take(block: Buffer, position: number, atEnd: boolean): number {
    const { index } = this;
    const { length } = block;
    let start = 0;
    let mark = nextMark(block, 0);
    while (start < length) {
      const feed = block.indexOf(LF, start);
      if (feed < 0 && !atEnd) break;
      const lineEnd = feed < 0 ? length : feed;
      const end = contentEnd(block, start, lineEnd);
      const state = jobState(block, start, end);
      index.push(position + start, state);
      if (feed < 0) index.unended = index.lineCount;
      if (state !== NOT_A_JOB) {
        if (mark < end) this.direct(block.subarray(start + BEFORE_COMMAND, end));
        block[start] = STATELESS;
      } else if (isBarrier(block, start, end)) index.barriers.push(index.lineCount);
      // One that has no end yet may become anything.
      else if (feed >= 0 && isStray(block, start, end)) this.noteStray(block.subarray(start, end));
      start = lineEnd + 1;
      if (mark < start) mark = nextMark(block, start);
    }
    return Math.min(start, length);
  }

  /** Notes a line that is too long to be read. Returns where the next one starts. */
  takeOverlong(head: Buffer, start: number, end: number): number {
    const state = jobState(head, 0, head.length);
    this.index.push(start, state);
    this.index.overlong.push({ line: this.index.lineCount, start, end });
    if (state !== NOT_A_JOB) {
      const message = `the line is ${end - start} bytes long; lines of more than ${LONGEST_LINE} bytes are not run`;
      this.index.problems.set(this.index.lineCount, { column: 1, message });
    }
    return end;
  }

  private noteStray(text: Buffer): void {
    const { index } = this;
    if (index.strays) index.strays.count++;
    else index.strays = { line: index.lineCount, text: Buffer.from(text.subarray(0, LONGEST_STRAY)), count: 1 };
  }

  private direct(command: Buffer): void {
    const line = this.index.lineCount;
    const at = directiveMark(command);
    const text = at < 0 ? '' : command.toString('latin1', at);
    const known = this.seen.get(text);
    const { directives, problem }: ParsedDirectives = known ? { directives: known } : parseDirectives(command);
    if (problem) {
      this.index.problems.set(line, problem);
      return;
    }
    if (directives === NO_DIRECTIVES) return;
    if (known === undefined && this.seen.size < KEPT_DIRECTIVES) this.seen.set(text, directives);
    this.index.directives.set(line, directives);
    if (directives.after.length > 0) this.index.afterColumns.set(line, BEFORE_COMMAND + command.indexOf('after=', at) + 1);
  }
}

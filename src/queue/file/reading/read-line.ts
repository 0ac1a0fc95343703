import { NO_DIRECTIVES } from '../../../job/directives.js';
import type { LineJob } from '../../../job/job.js';
import { contentEnd, jobState, LF } from '../../../job/line.js';
import type { LockableFile } from '../locks/lock-driver.js';
import type { LineIndex } from './line-index.js';

/** A line as it stands in the file at this moment. */
export interface LineNow {
  /** A byte; `NOT_A_JOB` when it is no job any more. */
  readonly state: number;
  /** What follows the state: separator and command, line end not included. */
  readonly rest: Buffer;
  /** The bytes of the file around it at that moment, and where they begin: see write-state.ts. */
  readonly around: { readonly bytes: Buffer; readonly origin: number };
}

/** Bytes before and behind a line that are read with it, so that a byte that is overwritten there can be put back. */
const AROUND = 1900;
/** What shows that a line begins and ends where it should. */
const NEIGHBOURS = 1;

/**
 * Reads the line that should stand at `start … end` (line end included), under whatever lock the caller holds.
 * Undefined when no line begins at `start` or it does not end where it should: lines have moved.
 * @param wide with so much around it that a write may be undone; else the line alone
 */
export async function readLine(file: LockableFile, start: number, end: number, wide = true): Promise<LineNow | undefined> {
  const margin = wide ? AROUND : NEIGHBOURS;
  const origin = Math.max(0, start - margin);
  const buffer = Buffer.allocUnsafe(end - origin + margin);
  const got = await file.read(buffer, origin);
  const [first, last] = [start - origin, end - origin];
  if (got < last || (start > 0 && buffer[first - 1] !== LF)) return undefined;
  const feed = buffer.subarray(0, last).indexOf(LF, first);
  // A last line without line feed must still be the last.
  const endsHere = feed === last - 1 || (feed < 0 && (got === last || buffer[last] === LF));
  if (!endsHere) return undefined;
  const content = contentEnd(buffer, first, feed < 0 ? last : feed);
  return {
    state: jobState(buffer, first, content),
    rest: Buffer.from(buffer.subarray(first + 1, content)),
    around: { bytes: buffer.subarray(0, got), origin },
  };
}

/** The command in what follows a state. */
export function commandIn(line: LineNow): Buffer {
  return line.rest.subarray(1);
}

/** The job at a line that was just read. */
export function jobAt(index: LineIndex, line: number, now: LineNow): LineJob {
  return {
    id: String(line),
    number: line,
    ordinal: index.ordinalOf(line),
    offset: index.startOf(line),
    state: String.fromCharCode(now.state),
    command: commandIn(now),
    directives: index.directives.get(line) ?? NO_DIRECTIVES,
  };
}

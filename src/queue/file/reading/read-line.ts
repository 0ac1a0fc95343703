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
}

/**
 * Reads the line that should stand at `start … end` (line end included), under whatever lock the caller holds.
 * Undefined when no line begins at `start` or it does not end where it should: lines have moved.
 */
export async function readLine(file: LockableFile, start: number, end: number): Promise<LineNow | undefined> {
  const before = start === 0 ? 0 : 1;
  // One byte more at the end as well: a last line without line feed must still be the last.
  const buffer = Buffer.allocUnsafe(before + (end - start) + 1);
  const got = await file.read(buffer, start - before);
  if (before === 1 && buffer[0] !== LF) return undefined;
  const length = end - start;
  if (got < before + length) return undefined;
  const feed = buffer.subarray(0, before + length).indexOf(LF, before);
  const endsHere = feed === before + length - 1 || (feed < 0 && (got === before + length || buffer[before + length] === LF));
  if (!endsHere) return undefined;
  const content = contentEnd(buffer, before, feed < 0 ? before + length : feed);
  return { state: jobState(buffer, before, content), rest: buffer.subarray(before + 1, content) };
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

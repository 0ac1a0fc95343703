import { BARRIER_LINE, LF, printLine } from '../../../job/line.js';
import type { State } from '../../../job/state.js';
import { refuseUnsettable, refuseUnwritable } from '../../commands.js';

/**
 * Stands in place of the separator until a line is complete. Such a line is no job to any runner, of whatever age, and neither is any
 * beginning of it.
 */
export const PENDING = 0x2b; // "+"
const SPACE = 0x20;

const LINE_FEED = Buffer.from([LF]);
const BARRIER = Buffer.concat([BARRIER_LINE, LINE_FEED]);
/** Of a blank comment at most so many bytes are one line. */
const COMMENT = 64 * 1024;

/**
 * The lines of jobs that are to be appended, as they are written first.
 * @throws RunmakerError `usage` when a command cannot be a line, or a line cannot be in this state
 */
export function pendingLines(commands: readonly Buffer[], state: State): Buffer {
  refuseUnsettable(state);
  const lines = Buffer.concat(
    commands.flatMap(command => {
      refuseUnwritable(command);
      return [printLine(state, command), LINE_FEED];
    }),
  );
  for (const separator of separatorsIn(lines)) lines[separator] = PENDING;
  return lines;
}

/** The same behind a line end, for a file whose last line lacks it. */
export function behindLineEnd(pending: Buffer): Buffer {
  return Buffer.concat([LINE_FEED, pending]);
}

/** The same lines as jobs. Those that are jobs already stay in the states that they have. */
export function published(lines: Buffer): Buffer {
  const jobs = Buffer.from(lines);
  for (const separator of separatorsIn(jobs)) jobs[separator] = SPACE;
  return jobs;
}

/** Whether bytes of the file begin with these pending lines, some of which may be jobs by now, and claimed. */
export function isSameButStates(bytes: Buffer, pending: Buffer): boolean {
  if (bytes.length < pending.length) return false;
  const now = bytes.subarray(0, pending.length);
  if (now.equals(pending)) return true;
  const [found, wanted] = [Buffer.from(now), Buffer.from(pending)];
  for (const separator of separatorsIn(wanted)) {
    if (now[separator] !== SPACE) continue;
    found[separator - 1] = wanted[separator - 1] as number;
    found[separator] = PENDING;
  }
  return found.equals(wanted);
}

/** Where the separators of whole lines are, of which the first may be empty. Barriers have none, and are written as they are. */
function* separatorsIn(lines: Buffer): Generator<number> {
  for (let start = lines[0] === LF ? 1 : 0; start < lines.length; start = lines.indexOf(LF, start) + 1)
    if (!lines.subarray(start, start + BARRIER.length).equals(BARRIER)) yield start + 1;
}

/**
 * Cuts lines into pieces of whole lines that are not longer than `most`, unless a single line is: a write that is killed ends at the
 * border of a page, so that one that is shorter is hardly ever cut.
 */
export function* piecesOf(lines: Buffer, most: number): Generator<Buffer> {
  for (let start = 0; start < lines.length; ) {
    const limit = Math.min(start + most, lines.length);
    let end = lines.lastIndexOf(LF, limit - 1) + 1;
    if (end <= start) end = lines.indexOf(LF, limit) + 1;
    yield lines.subarray(start, end);
    start = end;
  }
}

/** Comments without words that take so many bytes: what is left of lines that could not be written to their end. */
export function blankComments(length: number): Buffer {
  const bytes = Buffer.alloc(length, ' ');
  for (let start = 0; start < length; start += COMMENT) {
    bytes[start] = 0x23; // "#"
    bytes[Math.min(start + COMMENT, length) - 1] = LF;
  }
  return bytes;
}

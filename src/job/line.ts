/**
 * The grammar of a line: `<state><one space or tab><command>`, in bytes. Nothing is decoded.
 * The command may be empty. Lines shorter than 2 bytes, lines that begin with `#` or `/`, lines whose second byte is neither space nor tab,
 * and lines of two blanks are no jobs.
 */

export const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const HASH = 0x23;
const SLASH = 0x2f;
const DASH = 0x2d;

/** What is returned for a line that is not a job. No state is a NUL byte. */
export const NOT_A_JOB = 0;

/** The end of a line's content, given the offset of its line feed (or of the end of the file): a CR before it does not count. */
export function contentEnd(bytes: Buffer, start: number, lineEnd: number): number {
  return lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
}

/** The state byte of the job between `start` and `end` (its content's end), or `NOT_A_JOB`. */
export function jobState(bytes: Buffer, start: number, end: number): number {
  if (end - start < 2) return NOT_A_JOB;
  if (!isBlank(bytes[start + 1])) return NOT_A_JOB;
  const state = bytes[start] as number;
  if (end - start === 2 && isBlank(state)) return NOT_A_JOB;
  return state === HASH || state === SLASH ? NOT_A_JOB : state;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/** Whether the line between `start` and `end` is three or more dashes, and blanks after them at most. */
export function isBarrier(bytes: Buffer, start: number, end: number): boolean {
  let last = end;
  while (last > start && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--;
  if (last - start < 3) return false;
  for (let at = start; at < last; at++) if (bytes[at] !== DASH) return false;
  return true;
}

/** Whether a line that is neither a job nor a barrier may have been meant as one: it is neither blank nor a comment, and has 3 bytes or more. */
export function isStray(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 3 || bytes[start] === HASH || bytes[start] === SLASH) return false;
  for (let at = start; at < end; at++) if (bytes[at] !== SPACE && bytes[at] !== TAB) return true;
  return false;
}

/** A barrier line. Among commands this very buffer stands for one; a command that only reads like it is a command. */
export const BARRIER_LINE = Buffer.from('---');

/** The line that stands for a job, or for a barrier: the inverse of reading one. Without the line feed. */
export function printLine(state: string, command: Buffer): Buffer {
  if (command === BARRIER_LINE) return command;
  return Buffer.concat([Buffer.from(`${state} `, 'latin1'), command]);
}

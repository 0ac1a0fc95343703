import { wholeCharacters } from '../../job/utf8.js';

/** Bytes of a record without its newline: runmaker4 itself writes 160, its client for TCP 500. */
export type LogWidth = 160 | 500;

/** The width of the logs that are begun here. */
export const DEFAULT_WIDTH: LogWidth = 160;
/** Bytes of the longest record in a file. */
export const LONGEST_RECORD = 501;

const BLANK = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;

/**
 * One record of the log file: the text cut at the width, never inside a UTF-8 character, padded with blanks, and a newline.
 * Newlines, carriage returns and NULs become blanks: they would break the record where it is read as text.
 */
export function logRecord(text: Buffer, width: LogWidth = DEFAULT_WIDTH): Buffer {
  const record = Buffer.alloc(width + 1, BLANK);
  const length = text.length > width ? wholeCharacters(text, width) : text.length;
  record.set(text.subarray(0, length));
  for (let at = 0; at < length; at++) {
    const byte = record[at];
    if (byte === LF || byte === CR || byte === NUL) record[at] = BLANK;
  }
  record[width] = LF;
  return record;
}

import { wholeCharacters } from '../../job/utf8.js';

/** Bytes of a record without its newline. */
export const RECORD_WIDTH = 160;
/** Bytes of a record in the file. */
export const RECORD_SIZE = RECORD_WIDTH + 1;

const BLANK = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;

/**
 * One record of the log file: the text cut at 160 bytes, never inside a UTF-8 character, padded with blanks, and a newline.
 * Newlines, carriage returns and NULs would break the record for those who read it as text and become blanks.
 */
export function logRecord(text: Buffer): Buffer {
  const record = Buffer.alloc(RECORD_SIZE, BLANK);
  const length = text.length > RECORD_WIDTH ? wholeCharacters(text, RECORD_WIDTH) : text.length;
  record.set(text.subarray(0, length));
  for (let at = 0; at < length; at++) {
    const byte = record[at];
    if (byte === LF || byte === CR || byte === NUL) record[at] = BLANK;
  }
  record[RECORD_WIDTH] = LF;
  return record;
}

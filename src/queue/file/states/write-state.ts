import { LF } from '../../../job/line.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { isPassing } from '../patience.js';
import { type LineNow, readLine } from '../reading/read-line.js';

/** A line that was just read, under the lock on its state. */
export interface ReadLine {
  readonly start: number;
  readonly end: number;
  readonly now: LineNow;
}

/**
 * What came of writing a state. `written`: the line has it · `moved`: an editor has saved the file in place meanwhile, and no byte of it is
 * wrong · `mended`: the state had overwritten another byte, which was put back · `damaged`: it has, and what was there is not known.
 */
export type Written = 'written' | 'moved' | 'mended' | 'damaged';

/** Each byte, ready to be written. */
const BYTES = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]));

/** Bytes on both sides of a byte that must be the same to know it again. */
const CONTEXT = 16;

/**
 * Writes a state byte under the lock on it, and looks whether it has come to lie in its line. Between the last look at the line and the
 * write there is a gap of microseconds, in which an editor that writes in place, without any lock, may move all lines.
 */
export async function writeState(file: LockableFile, state: number, { start, end, now }: ReadLine): Promise<Written> {
  await file.write(BYTES[state] as Buffer, start);
  try {
    const after = await readLine(file, start, end, false);
    if (after?.state === state && after.rest.equals(now.rest)) {
      return 'written';
    }
    return await putBack(file, state, start, now.around);
  } catch (error) {
    // The state itself was written; that a server cannot be reached any more changes nothing about it.
    if (!isPassing(error)) throw error;
    return 'written';
  }
}

async function putBack(file: LockableFile, state: number, start: number, before: LineNow['around']): Promise<Written> {
  const origin = Math.max(0, start - CONTEXT);
  const here = Buffer.alloc(start - origin + 1 + CONTEXT);
  const got = await file.read(here, origin);
  const at = start - origin;
  const isHole = at > 0 && here.subarray(0, at).every(byte => byte === 0);
  // Another save has overwritten the state, or an editor has emptied the file and is about to write all of it.
  if (got <= at || here[at] !== state || isHole) return 'moved';
  const found = bytesInContext(before.bytes, here.subarray(0, got), at);
  const [byte, ...others] = found;
  if (byte === undefined || others.length > 0) return 'damaged';
  if (byte === state) return 'moved';
  await file.write(Buffer.from([byte]), start);
  return 'mended';
}

/** What stood in `bytes` wherever the bytes around it were those that are around `here[at]`, states apart. */
function bytesInContext(bytes: Buffer, here: Buffer, at: number): Set<number> {
  const found = new Set<number>();
  const isState = (buffer: Buffer, place: number): boolean => place > 0 && buffer[place - 1] === LF;
  for (let place = at; place + here.length - at <= bytes.length; place++) {
    const isSame = here.every((byte, index) => {
      const other = place - at + index;
      return index === at || byte === bytes[other] || (isState(here, index) && isState(bytes, other));
    });
    if (isSame) found.add(bytes[place] as number);
  }
  return found;
}

/** What to tell when a state has come to lie in another line. @param number where the line was that it belongs to */
export function describeDamage(
  path: string,
  written: 'mended' | 'damaged',
  number: number,
  state: number,
): { readonly message: string; readonly hint: string } {
  const what = `${path} was saved in place while the state of line ${number} was written, and a character of a line near it was overwritten`;
  return written === 'mended'
    ? { message: `${what}; it was put back`, hint: 'an editor that puts a new file in the place of the old one leaves no such gap' }
    : { message: `${what} by "${String.fromCharCode(state)}"`, hint: 'look at the commands there, before they are run' };
}

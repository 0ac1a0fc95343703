import { randomBytes } from 'node:crypto';
import type { Connection, Reply } from './connection/connection.js';
import type { NewLines } from './lines/line-text.js';
import { packNumbers } from './lines/packed.js';
import { APPEND, ARM } from './scripts/change.js';
import type { Writer } from './writer.js';

/** From so many lines on it is asked first where they will come to stand: then Redis need not count. */
const MANY = 1000;

/** Appends lines to a queue, which is made by that if it is not there. Returns how many it had. */
export async function appendLines(connection: Connection, writer: Writer, { text, ends, states, marks }: NewLines): Promise<number> {
  const [lines, bytes] = ends.length < MANY ? [0, 0] : await extentOf(connection);
  const packedEnds = packNumbers(ends.map(end => end + bytes));
  const packedMarks = packNumbers(marks.map(mark => mark + lines));
  const generation = randomBytes(8).toString('hex');
  // Names and numbers that others wait for may be among them.
  const mayMatter = marks.length > 0 ? '1' : '0';
  const args = [generation, bytes, lines, text, packedEnds, Buffer.from(states, 'latin1'), packedMarks, mayMatter];
  return Number(await writer.call(APPEND, () => args));
}

async function extentOf(connection: Connection): Promise<[lines: number, bytes: number]> {
  const reply = (await connection.call(ARM, { args: () => ['-1'] })) as readonly Reply[];
  return [Number(reply[2]), Number(reply[3])];
}

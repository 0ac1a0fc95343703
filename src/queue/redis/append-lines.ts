import { randomBytes } from 'node:crypto';
import type { Connection, Reply } from './connection/connection.js';
import type { NewLines } from './lines/line-text.js';
import { packNumbers } from './lines/packed.js';
import { APPEND, ARM } from './scripts/change.js';
import type { Writer } from './writer.js';

/** From this many lines on, asks for their place first: Redis then need not count. */
const MANY = 1000;

/** Appends lines to a queue, and creates a missing one. Returns how many lines it had before. */
export async function appendLines(connection: Connection, writer: Writer, { text, ends, states, marks }: NewLines): Promise<number> {
  const [lines, bytes] = ends.length < MANY ? [0, 0] : await extentOf(connection);
  const packedEnds = packNumbers(ends.map(end => end + bytes));
  const packedMarks = packNumbers(marks.map(mark => mark + lines));
  const generation = randomBytes(8).toString('hex');
  // They may contain names and numbers that other jobs wait for.
  const mayMatter = marks.length > 0 ? '1' : '0';
  const args = [generation, bytes, lines, text, packedEnds, Buffer.from(states, 'latin1'), packedMarks, mayMatter];
  return Number(await writer.call(APPEND, () => args));
}

async function extentOf(connection: Connection): Promise<[lines: number, bytes: number]> {
  const reply = (await connection.call(ARM, { args: () => ['-1'] })) as readonly Reply[];
  return [Number(reply[2]), Number(reply[3])];
}

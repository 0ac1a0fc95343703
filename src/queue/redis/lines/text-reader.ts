import type { Connection, Reply } from '../connection/connection.js';
import { READ } from '../scripts/change.js';
import { type Line, linesOf } from './line-text.js';

/** Reads unwanted lines as well if no more than this many stand between two wanted ones. */
const GAP = 16;
/** Lines per request. */
export const BATCH = 2000;

/** Reads chosen lines of a queue. @param numbers ascending */
export async function* readChosen(connection: Connection, numbers: Iterable<number>): AsyncGenerator<Line[]> {
  let batch: number[] = [];
  for (const number of numbers) {
    batch.push(number);
    if (batch.length < BATCH) continue;
    yield await readBatch(connection, batch);
    batch = [];
  }
  if (batch.length > 0) yield await readBatch(connection, batch);
}

async function readBatch(connection: Connection, numbers: readonly number[]): Promise<Line[]> {
  const ranges: [from: number, to: number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number - last[1] <= GAP) last[1] = number;
    else ranges.push([number, number]);
  }
  const reply = (await connection.call(READ, { args: () => ranges.flat() })) as readonly Reply[];
  const wanted = new Set(numbers);
  return ranges.flatMap(([from], at) => {
    const lines = [...linesOf(reply[2 * at + 1] as Buffer, from, Number(reply[2 * at]))];
    return lines.filter(({ number }) => wanted.has(number));
  });
}

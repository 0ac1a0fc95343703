// What a look at a million lines costs a waiter: with no change, and with some.
import { closeSync, openSync, utimesSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openQueue } from '../dist/index.js';
import { row, spread, workFolder } from './compare.js';
import { fill } from './large-file.js';

const ROUNDS = Number(process.argv[2] ?? 25);
const runs = path.join(workFolder(), 'runs.txt');
const last = fill(runs, 1_000_000, number => `. python train.py --seed ${String(number).padStart(7, '0')}`);
const middle = (last / 999_999) * 500_000;
const past = new Date(Date.now() - 3_600_000);
utimesSync(runs, past, past);

const queue = await openQueue(runs);
/** CPU seconds of this process for one count: the same look that runwait takes. */
async function look() {
  const before = process.cpuUsage();
  await queue.counts();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
await look();
const unchanged = [];
const changed = [];
const fd = openSync(runs, 'r+');
for (let round = 0; round < ROUNDS; round++) {
  writeSync(fd, round % 2 === 0 ? 'r' : '.', middle);
  writeSync(fd, round % 2 === 0 ? 'd' : '.', last);
  changed.push(await look());
  // Until the time of the last change has passed, every look reads the file again.
  await setTimeout(50);
  await look();
  unchanged.push(await look());
}
closeSync(fd);
await queue.close();
row('`runwait`: a look at 1,000,000 lines, nothing has changed', '<= 5 ms CPU', spread(unchanged.slice(3)));
row('the same, two lines have changed', '<= 15 ms CPU', spread(changed.slice(3)));

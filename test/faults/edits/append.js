// Appends jobs as a program that uses the library does, a few at a time, in a separate process beside the runners and the editor.
// usage: node append.js FILE TIMES PAUSE_MS < lines      (each time a part of the lines; commands without their state)
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { openQueue } from '../../../dist/index.js';

const [path, times, pause] = process.argv.slice(2);
const commands = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const each = Math.ceil(commands.length / Number(times));
const queue = await openQueue(path);
for (let at = 0; at < commands.length; at += each) {
  await queue.append(commands.slice(at, at + each).map(command => Buffer.from(command)));
  await setTimeout(Math.random() * 2 * Number(pause));
}
await queue.close();

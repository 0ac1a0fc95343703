// Reads a file in one of the ways in which the programs do, and prints the elapsed time and the rise in peak resident memory:
// {"ms":12,"bytes":123456,"result":…} or {"error":…}. In a separate process, because a peak cannot be reset.
// usage: node measure.js WHAT FILE [EMPTY_FILE]
import { readFileSync } from 'node:fs';
import { openQueue } from '../../../dist/index.js';
import { parseDirectives } from '../../../dist/job/directives.js';
import { parseJobChoice } from '../../../dist/job/selection.js';
import { findMount } from '../../../dist/system/mounts.js';

const [what, path, warmUp] = process.argv.slice(2);

async function withQueue(name, work) {
  const queue = await openQueue(name);
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

const WAYS = {
  counts: name => withQueue(name, async queue => (await queue.counts()).total),
  list: name =>
    withQueue(name, async queue => {
      let bytes = 0;
      for await (const jobs of queue.jobs())
        for (const job of jobs) bytes += job.command.length + (job.directives.after.length > 0 ? 1 : 0);
      return bytes;
    }),
  directives: name => parseDirectives(readFileSync(name)).problem?.message ?? 'read',
  choice(name) {
    try {
      return parseJobChoice(readFileSync(name, 'latin1')).lines.length;
    } catch (error) {
      if (error.name !== 'RunmakerError') throw error;
      return error.message.slice(0, 80);
    }
  },
  mount: name => findMount(readFileSync(name, 'utf8'), '/data/runs.txt')?.point ?? 'none',
};

function peak() {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))[1]) * 1024;
}

try {
  await WAYS[what](warmUp);
  const before = peak();
  const began = performance.now();
  const result = await WAYS[what](path);
  console.log(JSON.stringify({ ms: performance.now() - began, bytes: peak() - before, result }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error?.stack ?? error) }));
}

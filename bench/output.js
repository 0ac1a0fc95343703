// Throughput of tagged job output: one job that prints a lot, to /dev/null. And whether 200 jobs that print at once get equal shares.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openQueue, Runner } from '../dist/index.js';
import { has, inTurn, median, program, ratios, row, time, times, workFolder } from './compare.js';

const ROUNDS = Number(process.argv[2] ?? 3);
const MEGABYTES = Number(process.argv[3] ?? 2000);
const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const print = `yes ${'x'.repeat(79)} | head -c ${MEGABYTES}000000`;

/** Peak memory of the latest runner, in MB, once its job had printed everything. */
const peak = path.join(folder, 'peak');

const sides = {
  runmaker() {
    writeFileSync(runs, `. ${print}; grep VmHWM /proc/$PPID/status > ${peak}\n`);
    return time(process.execPath, [program('runmaker'), '-q', runs]);
  },
  sed: () => time('sh', ['-c', `${print} | sed 's/^/tag: /'`]),
};
const parallel = has('parallel');
if (parallel) sides.parallel = () => time('sh', ['-c', `echo '${print}' | parallel --will-cite --tag --line-buffer`]);
const measured = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(measured))
  console.log(`# ${name}: ${Math.round(MEGABYTES / median(each.map(({ seconds }) => seconds)))} MB/s`);
const memory = Number(/\d+/.exec(readFileSync(peak, 'utf8'))[0]) / 1000;
const what = `one job that prints ${MEGABYTES} MB of 80-byte lines`;
row(`${what}, against \`sed 's/^/tag: /'\``, 'within 2.5 ×', times(ratios(measured.runmaker, measured.sed)));
if (parallel) row('the same, `parallel --tag --line-buffer` against it', '>= 1.2 ×', times(ratios(measured.parallel, measured.runmaker)));
row('its memory at most', 'flat', `${memory.toFixed(0)} MB`);

/** Jobs that print endlessly: how many bytes of each have arrived when the first has had more than its fair share. */
async function shares(jobs, enough) {
  writeFileSync(runs, `. yes ${'x'.repeat(79)}\n`.repeat(jobs));
  const queue = await openQueue(runs);
  const bytes = new Map();
  const listener = event => {
    if (event.type === 'started') bytes.set(event.job.number, 0);
    if (event.type !== 'output' || bytes.size < jobs) return;
    const total = bytes.get(event.job.number) + event.bytes.length;
    bytes.set(event.job.number, total);
    if (total > enough) runner.interrupt();
  };
  const runner = new Runner(queue, { jobs, listeners: [listener] });
  await runner.run();
  await queue.close();
  return [...bytes.values()];
}

const got = await shares(200, 4_000_000);
row(
  '200 jobs that print all the time: the least and the median of what has come of each when 4 MB of one have',
  'fair',
  `${(Math.min(...got) / 1e6).toFixed(1)} MB, ${(median(got) / 1e6).toFixed(1)} MB`,
);

// How fast job output goes through tags: one job that prints much, to /dev/null.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { has, inTurn, median, medianRatio, program, row, spread, time, workFolder } from './compare.js';

const MEGABYTES = 500;
const ROUNDS = 3;
const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const print = `yes ${'x'.repeat(79)} | head -c ${MEGABYTES}000000`;
const sides = {
  runmaker() {
    writeFileSync(runs, `. ${print}\n`);
    return time(process.execPath, [program('runmaker'), '-q', runs]);
  },
  sed: () => time('sh', ['-c', `${print} | sed 's/^/tag: /'`]),
};
if (has('parallel')) sides['parallel --tag --line-buffer'] = () => time('sh', ['-c', `echo '${print}' | parallel --tag --line-buffer`]);
const seconds = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(seconds)) console.log(`# ${name}: ${spread(each)}, ${Math.round(MEGABYTES / median(each))} MB/s`);
row(
  `${MEGABYTES} MB of 80-byte lines through tags, against sed`,
  'within 2.5 ×',
  `${medianRatio(seconds.runmaker, seconds.sed).toFixed(2)} ×`,
);
const parallel = seconds['parallel --tag --line-buffer'];
if (parallel) row('the same against parallel --tag --line-buffer', '>= 1.2 ×', `${medianRatio(parallel, seconds.runmaker).toFixed(2)} ×`);

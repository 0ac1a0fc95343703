// How long the programs take to start, against Node itself.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { inTurn, medianRatio, program, row, spread, time, workFolder } from './compare.js';

const ROUNDS = 15;
const runs = path.join(workFolder(), 'runs.txt');
const sides = {
  node: () => time(process.execPath, ['-e', '0']),
  version: () => time(process.execPath, [program('runset'), '--version']),
  run() {
    writeFileSync(runs, '. true\n');
    return time(process.execPath, [program('runmaker'), runs]);
  },
};
const seconds = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(seconds)) console.log(`# ${name}: ${spread(each)}`);
row('start of runset --version', '<= 1.5 × node -e 0', `${medianRatio(seconds.version, seconds.node).toFixed(2)} ×`);
row(
  'runmaker with one job, start to end',
  '<= 2 × node -e 0 up to its first claim',
  `${medianRatio(seconds.run, seconds.node).toFixed(2)} ×`,
);

// How long the programs take to start, against Node itself.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bareNode, inTurn, program, ratios, row, time, times, workFolder } from './compare.js';

const ROUNDS = Number(process.argv[2] ?? 25);
const runs = path.join(workFolder(), 'runs.txt');
const sides = {
  'node -e 0': bareNode,
  'runset --version': () => time(process.execPath, [program('runset'), '--version']),
  // The job ends the runner: what is measured ends just behind its first claim.
  'runmaker to its first claim'() {
    writeFileSync(runs, '. kill -9 $PPID\n');
    return time(process.execPath, [program('runmaker'), '-q', runs], { signal: 'SIGKILL' });
  },
};
const measured = inTurn(sides, ROUNDS);
const against = name => times(ratios(measured[name], measured['node -e 0']));
row('start of `runset --version`', '<= 1.5 × `node -e 0`', against('runset --version'));
row(
  '`runmaker` up to its first claim (and the start of its job, which ends it)',
  '<= 2 × `node -e 0`',
  against('runmaker to its first claim'),
);

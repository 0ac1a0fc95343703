// Time to the first job of a file in which only the last line is open.
import { closeSync, openSync, readFileSync, utimesSync, writeSync } from 'node:fs';
import path from 'node:path';
import { bareNode, inTurn, median, program, ratios, row, time, times, workFolder } from './compare.js';
import { fill } from './large-file.js';

const ROUNDS = Number(process.argv[2] ?? 9);
const folder = workFolder();
const peak = path.join(folder, 'peak');

const HOUR_AGO = new Date(Date.now() - 3_600_000);

/** The job records its runner's peak memory and ends the runner: the measurement ends when the first job starts. */
const JOB = `grep VmHWM /proc/$PPID/status > ${peak}; kill -9 $PPID`;

function sideOf(lines) {
  const runs = path.join(folder, `${lines}.txt`);
  const last = fill(runs, lines, number => (number === lines ? `. ${JOB}` : `d python train.py --seed ${number}`));
  return () => {
    const fd = openSync(runs, 'r+');
    writeSync(fd, '.', last);
    closeSync(fd);
    // Runners usually start on files that were not written just now.
    utimesSync(runs, HOUR_AGO, HOUR_AGO);
    return time(process.execPath, [program('runmaker'), '-q', runs], { signal: 'SIGKILL' });
  };
}

const million = sideOf(1_000_000);
const measured = inTurn({ 'node -e 0': bareNode, '1,000,000 lines': million }, ROUNDS);
row(
  'first job of 1,000,000 lines, the last one open',
  '<= 3 × `node -e 0`',
  times(ratios(measured['1,000,000 lines'], measured['node -e 0'])),
);

const most = inTurn({ '10,000,000 lines': sideOf(10_000_000) }, 3)['10,000,000 lines'];
const memory = Number(/\d+/.exec(readFileSync(peak, 'utf8'))[0]) / 1000;
row(
  'first job of 10,000,000 lines, the last one open',
  '<= 1 s, <= 150 MB resident',
  `${median(most.map(({ seconds }) => seconds)).toFixed(2)} s (CPU ${median(most.map(({ cpu }) => cpu)).toFixed(2)} s), ${memory.toFixed(0)} MB`,
);

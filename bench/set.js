// Setting all states of a million lines, alone and while a runner works on the same file.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bareNode, inTurn, program, ratios, row, time, times, workFolder } from './compare.js';
import { fill } from './large-file.js';

const ROUNDS = Number(process.argv[2] ?? 9);
const LINES = 1_000_000;
const folder = workFolder();
const alone = path.join(folder, 'alone.txt');
const shared = path.join(folder, 'shared.txt');
fill(alone, LINES);
// Two jobs are in progress all the time; the others follow each other.
fill(shared, LINES, number => (number <= 2 ? '. sleep 600' : `d sleep 0.1 # seed ${number}`));

function set(runs, state) {
  return time(process.execPath, [program('runset'), '--all', `--set=${state}`, runs], { mayFail: true, stdio: 'ignore' });
}

/** Before each measured round all lines are done, so that every line changes. */
function turn(runs) {
  set(runs, 'd');
  return set(runs, '.');
}

const runner = spawn(process.execPath, [program('runmaker'), '-q', '-j4', '--watch', shared], { stdio: 'ignore' });
try {
  await setTimeout(2000);
  const sides = { 'node -e 0': bareNode, alone: () => turn(alone), 'beside a runner': () => turn(shared) };
  const measured = inTurn(sides, ROUNDS);
  const against = name => times(ratios(measured[name], measured['node -e 0']));
  row('`runset --all --set=.` on 1,000,000 lines', '<= 4 × `node -e 0`', against('alone'));
  row('the same while a runner with -j4 works on the file', '<= 4 × `node -e 0`', against('beside a runner'));
} finally {
  runner.kill('SIGTERM');
}

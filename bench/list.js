// Listing a million jobs: bytes of output per second, start-up included, and whether memory stays constant.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { bareNode, inTurn, median, program, row, time, workFolder } from './compare.js';
import { fill } from './large-file.js';

const ROUNDS = Number(process.argv[2] ?? 9);
const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const longer = path.join(folder, 'longer.txt');
fill(runs, 1_000_000);
fill(longer, 5_000_000);

function listing(file) {
  return spawnSync('sh', ['-c', '"$0" "$1" --list "$2" | wc -c', process.execPath, program('runset'), file], { encoding: 'utf8' });
}

/** Peak memory of the listing process, in MB, at its end. */
function peak(file) {
  const report = 'process.on("exit",()=>process.stderr.write(String(process.resourceUsage().maxRSS)))';
  const hook = `data:text/javascript,${encodeURIComponent(report)}`;
  const { stderr } = spawnSync(process.execPath, ['--import', hook, program('runset'), '--list', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  return Number(stderr) / 1000;
}

const bytes = Number(listing(runs).stdout);
const sides = { 'node -e 0': bareNode, 'runset --list': () => time(process.execPath, [program('runset'), '--list', runs]) };
const measured = inTurn(sides, ROUNDS);
const of = (name, what) => median(measured[name].map(one => one[what]));
const rate = seconds => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
row(
  '`runset --list` on 1,000,000 lines, from start to end',
  '>= 200 MB/s',
  `${rate(of('runset --list', 'seconds'))} (by CPU ${rate(of('runset --list', 'cpu'))}; without the start of Node ${rate(
    of('runset --list', 'seconds') - of('node -e 0', 'seconds'),
  )})`,
);
row('its memory at most, with 1,000,000 and 5,000,000 lines', 'constant', `${peak(runs).toFixed(0)} MB, ${peak(longer).toFixed(0)} MB`);

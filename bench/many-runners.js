// Several runners on one file: whether two achieve the throughput of one, and how often 64 collide.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { median, program, row, spread, workFolder } from './compare.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const JOBS = 3000;
const SLEEPERS = 64;
const runs = path.join(workFolder(), 'runs.txt');

/** Starts the given number of runners at once. Returns the seconds until the last has exited, and each runner's summary. */
async function work(runners, command, jobs) {
  writeFileSync(runs, `. ${command}\n`.repeat(jobs));
  const begin = performance.now();
  const summaries = await Promise.all(
    Array.from({ length: runners }, async () => {
      const child = spawn(process.execPath, [program('runmaker'), '--json', '-j1', runs], { stdio: ['ignore', 'pipe', 'inherit'] });
      let last = '';
      child.stdout.setEncoding('utf8').on('data', text => {
        last = (last + text).slice(-4096);
      });
      await new Promise(resolve => child.once('close', resolve));
      return JSON.parse(last.trimEnd().split('\n').at(-1));
    }),
  );
  return { seconds: (performance.now() - begin) / 1000, summaries };
}

const one = [];
const two = [];
for (let round = 0; round < ROUNDS; round++) {
  one.push((await work(1, 'true', JOBS)).seconds);
  two.push((await work(2, 'true', JOBS)).seconds);
}
console.log(`# 1 runner: ${spread(one)}\n# 2 runners: ${spread(two)}`);
const throughput = (median(one) / median(two)).toFixed(2);
row(`${JOBS} × true: throughput of 2 runners with -j1 against 1`, '>= 1 ×', `${throughput} ×`);

const shares = [];
for (let round = 0; round < Math.min(ROUNDS, 3); round++) {
  const { summaries } = await work(SLEEPERS, 'sleep 1', SLEEPERS * 10);
  const total = what => summaries.reduce((sum, { claims }) => sum + claims[what], 0);
  if (total('won') !== SLEEPERS * 10) throw new Error(`${total('won')} jobs were run`);
  shares.push({ lost: total('lost') / total('won'), busy: total('busy') / total('won') });
}
const percent = what => `${(100 * median(shares.map(share => share[what]))).toFixed(1)} %`;
row(
  `${SLEEPERS} runners of sleeping jobs: claims lost to others, of those won`,
  '< 20 %',
  `${percent('lost')} (met somebody at the line: ${percent('busy')})`,
);

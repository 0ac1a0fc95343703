// CPU time the runner itself uses per job, without that of its jobs: with few and many lines, few and many jobs at a time.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { median, program, row, spread, workFolder } from './compare.js';
import { fill } from './large-file.js';

const ROUNDS = Number(process.argv[2] ?? 3);
/** Number of jobs in the two runs that are compared: one while V8 still compiles, one in the long run. */
const SHORT = [500, 2500];
const LONG = [5000, 20_000];
const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const usage = path.join(folder, 'usage');
const report = `process.on("exit",()=>{const{user,system}=process.cpuUsage();fs.writeFileSync(${JSON.stringify(usage)},String(user+system))})`;
const hook = `data:text/javascript,${encodeURIComponent(`import fs from "node:fs";${report}`)}`;

/** CPU seconds of a runner that runs the last lines of a file. */
function own(lines, jobs, atOnce, command) {
  fill(runs, lines, number => `${number > lines - jobs ? '.' : 'd'} ${command}`);
  const args = ['--import', hook, program('runmaker'), `-j${atOnce}`, runs];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`runmaker ended with ${status}`);
  return Number(readFileSync(usage)) / 1e6;
}

/** The cost of one more job, start-up cost excluded. */
function each(lines, [few, many], atOnce, command) {
  return (own(lines, many, atOnce, command) - own(lines, few, atOnce, command)) / (many - few);
}

const cases = {
  'true, -j2, 2,500 lines': () => each(2500, SHORT, 2, 'true'),
  'true, -j2, 1,000,000 lines': () => each(1_000_000, SHORT, 2, 'true'),
  'true, -j2, 20,000 jobs': () => each(20_000, LONG, 2, 'true'),
  'sleep 0.01, -j2': () => each(2500, SHORT, 2, 'sleep 0.01'),
  'sleep 1, -j200': () => each(2500, SHORT, 200, 'sleep 1'),
};
const measured = Object.fromEntries(Object.keys(cases).map(name => [name, []]));
for (let round = 0; round < ROUNDS; round++) for (const [name, measure] of Object.entries(cases)) measured[name].push(measure());
for (const [name, seconds] of Object.entries(measured)) {
  console.log(`# ${name}: ${spread(seconds)}`);
  row(`own CPU of the runner for a job: ${name}`, '<= 0.25 ms, flat', `${(median(seconds) * 1000).toFixed(2)} ms`);
}

// How many jobs a second: 5,000 × `true`, two at a time, output captured and states written.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { has, inTurn, median, program, ratios, row, time, times, workFolder } from './compare.js';

const JOBS = Number(process.argv[3] ?? 5000);
const ROUNDS = Number(process.argv[2] ?? 5);
const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const commands = path.join(folder, 'commands.txt');
writeFileSync(commands, 'true\n'.repeat(JOBS));

/** What a program written with child_process would do: two at a time, both outputs read, nothing else. */
const pool = `
  const { spawn } = require('node:child_process');
  let left = ${JOBS};
  const next = () => {
    if (left-- <= 0) return;
    const child = spawn('/bin/sh', ['-c', 'true'], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume(); child.stderr.resume();
    child.once('close', next);
  };
  next(); next();`;

const bareLoop = fileURLToPath(new URL('./bare-loop.js', import.meta.url));

const sides = {
  runmaker() {
    writeFileSync(runs, '. true\n'.repeat(JOBS));
    return time(process.execPath, [program('runmaker'), '-j2', runs]);
  },
  xargs: () => time('sh', ['-c', `xargs -P2 -I{} sh -c true < ${commands}`]),
  'child_process pool': () => time(process.execPath, ['-e', pool]),
  'bare loop': () => time(process.execPath, [bareLoop, String(JOBS)]),
};
if (has('parallel')) sides['GNU parallel'] = () => time('sh', ['-c', `parallel --will-cite -j2 < ${commands}`]);

const measured = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(measured))
  console.log(`# ${name}: ${Math.round(JOBS / median(each.map(({ seconds }) => seconds)))} jobs/s`);
const what = `${JOBS} × \`true\`, -j2, jobs a second`;
const against = (name, reach, side, beside) =>
  measured[name] && row(`${what}${beside}`, reach, times(ratios(measured[name], measured[side])));
against('xargs', '>= 0.75 ×', 'runmaker', ' against xargs');
against('child_process pool', '>= 2.5 ×', 'runmaker', ' against child_process pool');
against('GNU parallel', '>= 5 ×', 'runmaker', ' against GNU parallel');
against('bare loop', '', 'runmaker', ' against bare-loop.js');
against('xargs', '', 'bare loop', ' of bare-loop.js, against xargs');
against('child_process pool', '', 'bare loop', ' of bare-loop.js, against child_process pool');

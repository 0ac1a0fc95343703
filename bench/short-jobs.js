// Jobs per second: 5,000 × `true`, two at a time, output captured and states written. With --node PATH also under
// another version of Node.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchArguments, has, inTurn, median, program, ratios, row, time, times, workFolder } from './compare.js';

const { numbers, versions } = benchArguments();
const [ROUNDS = 5, JOBS = 5000] = numbers;
const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const commands = path.join(folder, 'commands.txt');
writeFileSync(commands, 'true\n'.repeat(JOBS));

/** What a program that uses child_process would do: two at a time, both outputs read, nothing else. */
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

const sides = { xargs: () => time('sh', ['-c', `xargs -P2 -I{} sh -c true < ${commands}`]) };
if (has('parallel')) sides['GNU parallel'] = () => time('sh', ['-c', `parallel --will-cite -j2 < ${commands}`]);
for (const { path: node, name } of versions) {
  sides[`runmaker, ${name}`] = () => {
    writeFileSync(runs, '. true\n'.repeat(JOBS));
    return time(node, [program('runmaker'), '-j2', runs]);
  };
  sides[`child_process pool, ${name}`] = () => time(node, ['-e', pool]);
  sides[`bare loop, ${name}`] = () => time(node, [bareLoop, String(JOBS)]);
}

const measured = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(measured))
  console.log(`# ${name}: ${Math.round(JOBS / median(each.map(({ seconds }) => seconds)))} jobs/s`);
for (const { name } of versions) {
  const against = (theirs, reach, side = 'runmaker') => {
    const other = measured[theirs] ?? measured[`${theirs}, ${name}`];
    const what = side === 'runmaker' ? 'jobs a second against' : 'jobs a second of bare-loop.js, against';
    if (other) row(`${JOBS} × \`true\`, -j2, ${name}: ${what} ${theirs}`, reach, times(ratios(other, measured[`${side}, ${name}`])));
  };
  against('xargs', '>= 0.75 ×');
  against('child_process pool', '>= 2.5 ×');
  against('GNU parallel', '>= 5 ×');
  against('bare loop', '');
  against('xargs', '', 'bare loop');
  against('child_process pool', '', 'bare loop');
}

// Start-up time of the programs, against Node itself. With --node PATH also under another version of Node.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { benchArguments, inTurn, program, ratios, row, time, times, workFolder } from './compare.js';

const { numbers, versions } = benchArguments();
const ROUNDS = numbers[0] ?? 25;
const runs = path.join(workFolder(), 'runs.txt');

const sides = {};
for (const { path: node, name } of versions) {
  sides[`node -e 0, ${name}`] = () => time(node, ['-e', '0']);
  sides[`runset, ${name}`] = () => time(node, [program('runset'), '--version']);
  // The job ends the runner: the measurement ends just after the first claim.
  sides[`runmaker, ${name}`] = () => {
    writeFileSync(runs, '. kill -9 $PPID\n');
    return time(node, [program('runmaker'), '-q', runs], { signal: 'SIGKILL' });
  };
}
const measured = inTurn(sides, ROUNDS);
for (const { name } of versions) {
  const against = what => times(ratios(measured[`${what}, ${name}`], measured[`node -e 0, ${name}`]));
  row(`start of \`runset --version\`, ${name}`, '<= 1.5 × `node -e 0`', against('runset'));
  row(`\`runmaker\` up to its first claim (and the start of its job, which ends it), ${name}`, '<= 2 × `node -e 0`', against('runmaker'));
}

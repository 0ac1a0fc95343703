// Runs every bench of this folder, one after the other. Each also runs alone: node bench/set.js [rounds]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

for (const name of [
  'start-up',
  'first-job',
  'set',
  'list',
  'wait',
  'output',
  'short-jobs',
  'own-cpu',
  'many-runners',
  'server',
  'git',
  'dependencies',
  'redis',
]) {
  console.log(`## ${name}`);
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${name}.js`, import.meta.url))], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

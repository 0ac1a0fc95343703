// Eight runners on one bare repository: jobs per second in total, and pushes per job.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { program, row, workFolder } from './compare.js';
import { bareRepository, git } from './git-repository.js';

const RUNNERS = 8;
const JOBS = 400;
const folder = workFolder();
const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();

/** A git that logs each push; refused pushes count as well. */
const bin = path.join(folder, 'bin');
const pushes = path.join(folder, 'pushes');
mkdirSync(bin);
writeFileSync(path.join(bin, 'git'), `#!/bin/sh\ncase " $* " in *" push "*) echo >> ${pushes};; esac\nexec ${real} "$@"\n`);
chmodSync(path.join(bin, 'git'), 0o755);
/** The bench measures the queue, not the start-up time of Python. */
writeFileSync(path.join(bin, 'python'), '#!/bin/sh\n');
chmodSync(path.join(bin, 'python'), 0o755);

/** One runner with its own cache, as if it were on its own host. */
function runner(name, at) {
  const environment = { ...process.env, PATH: `${bin}:${process.env.PATH}`, XDG_CACHE_HOME: path.join(folder, `cache-${at}`) };
  const child = spawn(process.execPath, [program('runmaker'), '-j4', '--quiet', '--sleep', '200ms', name], {
    env: environment,
    cwd: folder,
    stdio: 'inherit',
  });
  return new Promise(resolve => child.once('close', resolve));
}

async function bench(title, file, content) {
  const bare = bareRepository(folder, title, file, content);
  const name = `git+file://${bare}#${file}`;
  writeFileSync(pushes, '');
  const began = performance.now();
  const statuses = await Promise.all(Array.from({ length: RUNNERS }, (_, at) => runner(name, at)));
  const seconds = (performance.now() - began) / 1000;
  if (statuses.some(status => status !== 0)) throw new Error(`a runner ended with ${statuses}`);
  const count = readFileSync(pushes, 'latin1').length;
  const landed = Number(git(bare, 'rev-list', '--count', 'main')) - 1;
  console.log(
    `# ${title}: ${JOBS} jobs by ${RUNNERS} runners with -j4 in ${seconds.toFixed(1)} s, start included; ${landed} commits, ${count} pushes with those refused`,
  );
  row(`${title}, jobs a second in all`, '>= 20', (JOBS / seconds).toFixed(1));
  row(`${title}, pushes a job`, '<= 0.6', (count / JOBS).toFixed(2));
}

await bench('runs.txt', 'runs.txt', '. true\n'.repeat(JOBS));
await bench(
  'queue.csv',
  'queue.csv',
  `script,args,kwargs,status\n${Array.from({ length: JOBS }, (_, at) => `noop,[${at}],{},ready\n`).join('')}`,
);

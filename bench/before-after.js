// What a change did to performance: two built checkouts in turn, the same work for both.
//   node bench/before-after.js BEFORE [--after CHECKOUT] [--rounds N] [--node PATH] [WORK ...]
// Ratios are before : after. Above 1, the change made it faster.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inTurn, median, time, workFolder } from './compare.js';
import { bareRepository } from './git-repository.js';
import { fill } from './large-file.js';

const JOBS = 3000;
const GIT_JOBS = 200;
const GIT_RUNNERS = 4;
const MILLION = 1_000_000;
const SERVED_LINES = 100_000;
const SERVED_JOBS = 20_000;
const TOKEN = 'BENCHBENCHBENCHBENCHBENCH1';
const HOUR_AGO = new Date(Date.now() - 3_600_000);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    after: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
    rounds: { type: 'string', default: '9' },
    node: { type: 'string', default: process.execPath },
    // One round of `server`, in a separate process, so that the CPU time of all its processes is counted.
    serve: { type: 'string' },
  },
});

/** Prepares what each kind of work needs and returns the measurement: a function of a checkout. */
const works = {
  'start-up': () => checkout => node([program(checkout, 'runset'), '--version']),
  'short-jobs'(folder) {
    const runs = path.join(folder, 'short.txt');
    return checkout => {
      writeFileSync(runs, '. true\n'.repeat(JOBS));
      return node([program(checkout, 'runmaker'), '-j2', runs]);
    };
  },
  'first-job'(folder) {
    const runs = path.join(folder, 'first.txt');
    const last = fill(runs, MILLION, number => (number === MILLION ? '. kill -9 $PPID' : `d python train.py --seed ${number}`));
    return checkout => {
      const fd = openSync(runs, 'r+');
      writeSync(fd, '.', last);
      closeSync(fd);
      utimesSync(runs, HOUR_AGO, HOUR_AGO);
      return node([program(checkout, 'runmaker'), '-q', runs], { signal: 'SIGKILL' });
    };
  },
  set(folder) {
    const runs = path.join(folder, 'set.txt');
    fill(runs, MILLION);
    const set = (checkout, state) => node([program(checkout, 'runset'), '--all', `--set=${state}`, runs], { stdio: 'ignore' });
    return checkout => {
      set(checkout, 'd');
      return set(checkout, '.');
    };
  },
  list(folder) {
    const runs = path.join(folder, 'list.txt');
    fill(runs, MILLION);
    return checkout => node([program(checkout, 'runset'), '--list', runs]);
  },
  server: () => checkout => time(process.execPath, [fileURLToPath(import.meta.url), '--serve', checkout, '--node', values.node]),
  git(folder) {
    let round = 0;
    return checkout => {
      const work = path.join(folder, `git-${++round}`);
      mkdirSync(work);
      const queue = `git+file://${bareRepository(work, 'runs', 'runs.txt', '. true\n'.repeat(GIT_JOBS))}#runs.txt`;
      // Each runner has its own cache, as if it were on its own host.
      const script = `for at in $(seq ${GIT_RUNNERS}); do XDG_CACHE_HOME=$PWD/cache-$at "$@" & done; wait`;
      const words = [values.node, program(checkout, 'runmaker'), '-j4', '--quiet', '--sleep', '200ms', queue];
      const taken = time('sh', ['-c', script, 'sh', ...words], { cwd: work });
      rmSync(work, { recursive: true });
      return taken;
    };
  },
};

function program(checkout, name) {
  return path.join(checkout, 'bin', `${name}.js`);
}

function node(args, options) {
  return time(values.node, args, options);
}

/** A server of this checkout, and 200 clients from its own bench/server.js, which claim and finish all jobs. */
async function serve(checkout) {
  const runs = path.join(workFolder(), 'runs.txt');
  writeFileSync(runs, 'd true\n'.repeat(SERVED_LINES - SERVED_JOBS) + '. true\n'.repeat(SERVED_JOBS));
  const server = spawn(values.node, [program(checkout, 'runmaker-server'), '-q', '-p', '0', '--host', '127.0.0.1', runs], {
    env: { ...process.env, RUNMAKER_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise(resolve => server.once('exit', resolve));
  const address = await new Promise((resolve, reject) => {
    server.stdout.once('data', said => resolve(/127\.0\.0\.1:\d+/.exec(String(said))[0]));
    server.once('exit', status => reject(new Error(`the server ended with ${status}`)));
  });
  const clients = spawn(values.node, [path.join(checkout, 'bench/server.js'), 'claims', address], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const status = await new Promise(resolve => clients.once('exit', resolve));
  server.kill();
  await ended;
  const done = readFileSync(runs, 'latin1').match(/^d /gm)?.length ?? 0;
  if (status !== 0 || done !== SERVED_LINES) throw new Error(`the clients ended with ${status}, ${done} jobs are done`);
}

function compare(before, after, names) {
  const folder = workFolder();
  const rounds = Number(values.rounds);
  console.log(`| work | before : after, by the clock | in CPU time |\n| --- | --- | --- |`);
  for (const name of names) {
    const measure = works[name](folder);
    const measured = inTurn({ [`${name} before`]: () => measure(before), [`${name} after`]: () => measure(after) }, rounds);
    const [old, now] = Object.values(measured);
    const ratio = what => (median(old.map(one => one[what])) / median(now.map(one => one[what]))).toFixed(2);
    console.log(`| ${name} | ${ratio('seconds')} | ${ratio('cpu')} |`);
  }
}

if (values.serve !== undefined) await serve(values.serve);
else {
  const [before, ...names] = positionals;
  if (before === undefined || names.some(name => !(name in works))) {
    console.error(
      `usage: node bench/before-after.js BEFORE [--after CHECKOUT] [--rounds N] [--node PATH] [${Object.keys(works).join('|')} ...]`,
    );
    process.exitCode = 2;
  } else compare(path.resolve(before), path.resolve(values.after), names.length > 0 ? names : Object.keys(works));
}

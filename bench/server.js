// A runmaker-server with 200 runners: 20,000 jobs of a queue of 100,000 lines, over loopback. First with runners that only claim
// and finish, to measure the server's capacity; then with runners that start a process for each `true`.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, program, row, spread, workFolder } from './compare.js';

const LINES = 100_000;
const JOBS = 20_000;
const RUNNERS = 200;
const ROUNDS = 3;
const TOKEN = 'BENCHBENCHBENCHBENCHBENCH1';

const folder = workFolder();
const runs = path.join(folder, 'runs.txt');

/** Clock ticks of proc_pid_stat(5) in a second. */
const TICKS = 100;

/** CPU time of a process so far, in seconds. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Starts a server, lets the runners work, and returns the elapsed seconds, the server's CPU time and its peak memory. */
async function measure(kind) {
  writeFileSync(runs, 'd true\n'.repeat(LINES - JOBS) + '. true\n'.repeat(JOBS));
  const server = spawn(process.execPath, [program('runmaker-server'), '-q', '-p', '0', '--host', '127.0.0.1', runs], {
    env: { ...process.env, RUNMAKER_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const said = await new Promise((resolve, reject) => {
      server.stdout.once('data', resolve);
      server.once('exit', status => reject(new Error(`the server ended with ${status}`)));
    });
    const before = cpuOf(server.pid);
    const seconds = await runRunners(kind, /127\.0\.0\.1:\d+/.exec(said)[0]);
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'latin1'));
    const done = readFileSync(runs, 'latin1').match(/^d /gm)?.length ?? 0;
    if (done !== LINES) throw new Error(`${done} jobs are done, not ${LINES}`);
    return { seconds, cpu: cpuOf(server.pid) - before, memory: Number(kilobytes) * 1024 };
  } finally {
    server.removeAllListeners('exit');
    server.kill();
    await new Promise(resolve => server.once('exit', resolve));
  }
}

function runRunners(kind, server) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), kind, server], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', bytes => {
      text += bytes;
    });
    child.once('exit', status => (status === 0 ? resolve(Number(text)) : reject(new Error(`the runners ended with ${status}`))));
  });
}

/** All runners in one process, so that two cores suffice: one for them, one for the server. Prints the seconds. */
async function beRunners(kind, server) {
  const { openQueue, Runner } = await import('../dist/index.js');
  const queues = [];
  for (let at = 0; at < RUNNERS; at++) queues.push(await openQueue(`tcp://${server}`, { token: TOKEN }));
  // Like a runner: asks for the next job when it reports the result of the last one.
  const claimAndFinish = async queue => {
    let finishing;
    for (let result = await queue.claim({}); result.kind === 'claimed'; result = await queue.claim({})) {
      await finishing;
      finishing = result.claim.finish({ state: 'd' });
    }
    await finishing;
  };
  const began = performance.now();
  await Promise.all(queues.map(queue => (kind === 'claims' ? claimAndFinish(queue) : new Runner(queue).run())));
  process.stdout.write(String((performance.now() - began) / 1000));
  await Promise.all(queues.map(queue => queue.close()));
}

if (process.argv[2]) await beRunners(process.argv[2], process.argv[3]);
else {
  for (const [kind, reach] of [
    ['claims', 5000],
    ['processes', undefined],
  ]) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(kind));
    const [seconds, cpu] = ['seconds', 'cpu'].map(which => rounds.map(round => round[which]));
    const mebibytes = Math.max(...rounds.map(({ memory }) => memory)) / 2 ** 20;
    console.log(`# ${kind}: ${spread(seconds)} for ${JOBS} jobs; CPU of the server, 200 handshakes included: ${spread(cpu)}`);
    const what = kind === 'claims' ? 'claimed and finished a second' : 'run a second (`true`, each a process)';
    const perSecond = times => Math.round(JOBS / median(times));
    const measured = `${perSecond(seconds)} (${perSecond(cpu)} a second of its CPU)`;
    row(`${RUNNERS} clients of one server, ${LINES} lines: jobs ${what}`, reach ? `>= ${reach}` : '', measured);
    row('memory of that server at most', '<= 150 MiB', `${Math.round(mebibytes)} MiB`);
  }
}

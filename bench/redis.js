// Redis queues beside BullMQ, on the same Redis, in one process: jobs that do nothing, 32 and 256 at a time. Then 1,000,000 jobs:
// appending, counting, memory, and the cost of a look that finds nothing. Then many runners, each in its own process.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openQueue } from '../dist/index.js';
import { median, row, workFolder } from './compare.js';

const JOBS = 30_000;
const ROUNDS = 3;
const MANY = 1_000_000;
const FLEETS = [1, 8, 64];
const FLEET_JOBS = 40_000;
const LOOKS = 200;
/** A command of typical length. */
const command = number => Buffer.from(`python train.py --seed ${String(number).padStart(7, '0')}`);

if (process.argv[2] === 'runner') await beRunner(process.argv[3]);
else await main();

async function main() {
  const { Redis } = createRequire(import.meta.url)('ioredis');
  const folder = workFolder();
  const socket = `${folder}/redis.sock`;
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes'], {
    stdio: 'ignore',
  });
  server.once('error', () => {
    console.log('# redis-server is missing (apt-get install redis-server): left out');
    process.exit(0);
  });
  const redis = new Redis({ path: socket, maxRetriesPerRequest: null, protocol: 2 });
  redis.on('error', () => undefined);
  try {
    await redis.ping();
    for (const concurrency of [32, 256]) await besideBullMq(redis, socket, concurrency);
    await million(redis, socket);
    await fleets(redis, socket);
  } finally {
    redis.disconnect();
    server.kill();
  }
}

async function besideBullMq(redis, socket, concurrency) {
  const [ours, theirs] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await claimAndFinish(redis, socket, concurrency));
    theirs.push(await bullMq(redis, socket, concurrency));
  }
  const seen = `${shown(ours, 0)} against ${shown(theirs, 0)} a second`;
  console.log(`# claims and finishes, ${concurrency} at a time: ${seen}`);
  row(
    `Redis: claims and finishes a second against BullMQ, ${concurrency} at a time`,
    '>= 1.5 ×',
    `${(median(ours) / median(theirs)).toFixed(1)} × (${seen})`,
  );
}

async function claimAndFinish(redis, socket, concurrency) {
  await redis.flushall();
  const queue = await openQueue(`redis+unix:${socket}#bench`);
  await queue.append(Array.from({ length: JOBS }, (_, at) => command(at)));
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, () => drain(queue)));
  const seconds = (performance.now() - began) / 1000;
  const { done } = await queue.counts();
  if (done !== JOBS) throw new Error(`${done} of ${JOBS} jobs are done`);
  await queue.close();
  return JOBS / seconds;
}

async function drain(queue) {
  for (let result = await queue.claim({}); result.kind === 'claimed'; result = await queue.claim({})) {
    await result.claim.finish({ state: 'd' });
  }
}

/** As its documentation recommends for workers: ioredis without a retry limit; completed jobs are removed. */
async function bullMq(redis, socket, concurrency) {
  const { Queue, Worker } = createRequire(import.meta.url)('bullmq');
  await redis.flushall();
  const connection = { path: socket, maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  for (let at = 0; at < JOBS; at += 1000) await queue.addBulk(bulk(at, 1000));
  let done = 0;
  const worker = new Worker('bench', async () => undefined, {
    connection,
    concurrency,
    autorun: false,
    removeOnComplete: { count: 0 },
  });
  await worker.waitUntilReady();
  const began = performance.now();
  const finished = new Promise(resolve => {
    worker.on('completed', () => {
      if (++done === JOBS) resolve();
    });
  });
  void worker.run();
  await finished;
  const seconds = (performance.now() - began) / 1000;
  await worker.close();
  await queue.close();
  return JOBS / seconds;
}

function bulk(first, count) {
  return Array.from({ length: count }, (_, at) => ({ name: 'job', data: { command: command(first + at).toString() } }));
}

async function million(redis, socket) {
  const { Queue } = createRequire(import.meta.url)('bullmq');
  await redis.flushall();
  const sample = 100_000;
  const before = await memoryOf(redis);
  const theirs = new Queue('bench', { connection: { path: socket, maxRetriesPerRequest: null } });
  for (let at = 0; at < sample; at += 1000) await theirs.addBulk(bulk(at, 1000));
  const theirBytes = ((await memoryOf(redis)) - before) / sample;
  await theirs.close();

  await redis.flushall();
  const empty = await memoryOf(redis);
  const queue = await openQueue(`redis+unix:${socket}#bench`);
  const commands = Array.from({ length: MANY }, (_, at) => command(at));
  const began = performance.now();
  await queue.append(commands);
  row('the same: appending 1,000,000 jobs', '<= 10 s', `${((performance.now() - began) / 1000).toFixed(1)} s`);
  const bytes = ((await memoryOf(redis)) - empty) / MANY;
  row(
    'the same: memory in Redis a job against BullMQ',
    '<= 0.25 ×',
    `${(bytes / theirBytes).toFixed(2)} × (${bytes.toFixed(0)} against ${theirBytes.toFixed(0)} bytes)`,
  );

  const counts = [];
  for (let round = 0; round < 20; round++) {
    const fresh = await openQueue(`redis+unix:${socket}#bench`);
    const start = performance.now();
    await fresh.counts();
    counts.push(performance.now() - start);
    await fresh.close();
  }
  row('the same: counts of 1,000,000 jobs, the first of a client', '<= 5 ms', `${shown(counts, 1)} ms`);
  await queue.counts();
  await queue.set({}, 'd');
  const many = await idleLooks(queue);
  await queue.close();
  await redis.flushall();
  const small = await openQueue(`redis+unix:${socket}#bench`);
  await small.append([command(1)], { state: 'd' });
  const few = await idleLooks(small);
  await small.close();
  row(
    'the same: a look of an idle runner at 1,000,000 jobs against 1 job',
    '1 ×',
    `${(median(many) / median(few)).toFixed(2)} × (${shown(many, 2)} against ${shown(few, 2)} ms)`,
  );
}

async function idleLooks(queue) {
  const looks = [];
  await queue.claim({});
  for (let look = 0; look < LOOKS; look++) {
    const start = performance.now();
    await queue.claim({});
    looks.push(performance.now() - start);
  }
  return looks;
}

/** Median, minimum and maximum. */
function shown(numbers, digits) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return `${median(numbers).toFixed(digits)} [${least.toFixed(digits)}-${most.toFixed(digits)}]`;
}

async function memoryOf(redis) {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
}

/** Each runner runs one job at a time, as many small hosts do. */
async function fleets(redis, socket) {
  for (const runners of FLEETS) {
    const rates = [];
    for (let round = 0; round < ROUNDS; round++) {
      await redis.flushall();
      const queue = await openQueue(`redis+unix:${socket}#bench`);
      const children = Array.from({ length: runners }, () =>
        spawn(process.execPath, [fileURLToPath(import.meta.url), 'runner', `redis+unix:${socket}#bench`], {
          stdio: ['pipe', 'pipe', 'inherit'],
        }),
      );
      await Promise.all(children.map(child => new Promise(resolve => child.stdout.once('data', resolve))));
      await queue.append(Array.from({ length: FLEET_JOBS }, (_, at) => command(at)));
      const began = performance.now();
      for (const child of children) child.stdin.write('go\n');
      await Promise.all(children.map(child => new Promise(resolve => child.stdout.once('data', resolve))));
      rates.push(FLEET_JOBS / ((performance.now() - began) / 1000));
      for (const child of children) child.kill();
      const { done } = await queue.counts();
      if (done !== FLEET_JOBS) throw new Error(`${done} of ${FLEET_JOBS} jobs are done`);
      await queue.close();
      await setTimeout(200);
    }
    row(`the same: claims and finishes a second of ${runners} processes, 4 at a time each`, 'does not fall', shown(rates, 0));
  }
}

async function beRunner(name) {
  const queue = await openQueue(name);
  process.stdout.write('ready\n');
  await new Promise(resolve => process.stdin.once('data', resolve));
  await Promise.all(Array.from({ length: 4 }, () => drain(queue)));
  process.stdout.write('done\n');
}

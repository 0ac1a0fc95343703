// @ts-check
// The thread that renews a runner's lease, over a connection of its own: a busy event loop in the runner does not delay it.
// JavaScript, so that Node can start it as it is from the sources, too.
import { parentPort, workerData } from 'node:worker_threads';
import { Cluster, Redis } from 'ioredis';

/** Renewals within the time of a lease. */
const RENEWALS = 3;
/** Between two tries of a renewal that has failed, in ms. */
const RETRY = 500;

/** @type {import('./presence.js').ThreadData} */
const { settings, script, keys, runner, duration, since } = workerData;
const client = newClient();
/** When this process was last seen to run, by a clock that all its threads share and that goes on while it is stopped. */
let awake = since;
let isLost = false;
/** Until this thread has renewed once the runner itself does: to start it takes long on a busy machine, and is no standstill. */
let isFirst = true;
/** @type {Promise<boolean> | undefined} */
let renewing;
// At once: to start a thread may have taken a good part of the lease.
let timer = setTimeout(renewRegularly);
setInterval(() => isFirst || checkAwake(), Math.min(duration / 10, 1000));

client.on('error', () => undefined);
parentPort?.on('message', () => void answer());

/** The runner has been told that its lease has run out, and asks whether it still holds. */
async function answer() {
  parentPort?.postMessage({ type: 'answer', isHeld: await renew() });
}

function renewRegularly() {
  const began = performance.now();
  void renew().then(() => {
    const interval = duration / RENEWALS;
    // From when it began: one that takes long puts the next one off no further.
    timer = setTimeout(renewRegularly, Math.max(began + interval - performance.now(), 0));
  });
}

/** Renews, again and again until Redis has answered. Whether the lease is held then. */
function renew() {
  renewing ??= renewNow().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function renewNow() {
  for (;;) {
    const late = isFirst ? Number(process.hrtime.bigint()) / 1e6 - since : 0;
    if (isFirst) awake += late;
    else if (!checkAwake()) return false;
    try {
      if (client.status !== 'ready') await client.connect().catch(() => undefined);
      const said = String(await evaluate([late < duration ? '1' : '0']));
      if (said === 'held') parentPort?.postMessage({ type: 'renewed' });
      else if (said === 'expired') lose('stopped', late);
      else lose('gone', 0);
      isFirst = false;
      return said === 'held';
    } catch (error) {
      parentPort?.postMessage({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
      await new Promise(resolve => setTimeout(resolve, Math.min(RETRY, duration / 10)));
    }
  }
}

/** @param {string[]} more */
async function evaluate(more) {
  const args = [...keys, runner, String(duration), ...more];
  try {
    return await client.evalsha(script.sha, keys.length, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return await client.eval(script.source, keys.length, ...args);
  }
}

/** Whether this process was never stopped for as long as its lease lasts. */
function checkAwake() {
  const now = Number(process.hrtime.bigint()) / 1e6;
  if (now - awake >= duration) lose('stopped', now - awake);
  awake = now;
  return !isLost;
}

/**
 * @param {'gone' | 'stopped'} how
 * @param {number} ms
 */
function lose(how, ms) {
  if (isLost) return;
  isLost = true;
  clearTimeout(timer);
  client.disconnect();
  parentPort?.postMessage({ type: 'lost', how, ms });
}

function newClient() {
  /** @param {number} times */
  const retry = times => Math.min(25 * 2 ** Math.min(times, 10), 1000);
  if (settings.kind === 'cluster') return new Cluster(settings.nodes, { ...settings.options, clusterRetryStrategy: retry });
  return new Redis({ ...settings.options, retryStrategy: retry });
}

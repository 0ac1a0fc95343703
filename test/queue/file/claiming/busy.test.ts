import { mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../../src/queue/open.js';
import type { Queue } from '../../../../src/queue/queue.js';
import { Runner } from '../../../../src/run/runner.js';
import { eventually } from '../../../support/eventually.js';
import { lockElsewhere } from '../../../support/other-locks.js';
import { openRuns } from '../../../support/queues.js';
import { serveHere, TOKEN } from '../../../support/tcp-queue.js';
import { runsFile } from '../../../support/temporary.js';

/** Tries at a locked line follow each other within 20 ms. After such a pause, in ms, they are over. */
const STILL = 400;
/** A runner tries again for other reasons as well, but not so often: to look for orphans, say. */
const TIMES = 4;

/** What becomes of a runner that works the queue. */
function workOn(queue: Queue): Promise<unknown> {
  const runner = new Runner(queue);
  onTestFinished(() => runner.kill());
  return runner.run();
}

/** Waits until the queue was tried in vain, again and again with pauses. */
async function isTriedInVain(queue: Queue): Promise<void> {
  for (let times = 0; times < TIMES; times++) {
    const before = queue.claims.busy;
    await eventually('a line was found locked', () => queue.claims.busy > before);
    await hasGivenUp(queue);
  }
}

async function hasGivenUp(queue: Queue): Promise<void> {
  for (let before = -1; before !== queue.claims.busy; await setTimeout(STILL)) before = queue.claims.busy;
}

describe('a runner that finds nothing but lines that somebody else has locked', { timeout: 60_000 }, () => {
  it.each([
    { what: 'the state of a line', kind: 'exclusive', range: { start: 0, length: 1 } },
    { what: 'the whole file, to read it', kind: 'shared', range: { start: 0, length: 0 } },
  ] as const)(
    'runs them when the lock is given up, though that changes nothing in the file: $what',
    { tags: ['slow'] },
    async ({ kind, range }) => {
      const path = runsFile('. true\n');
      const lock = await lockElsewhere(path, kind, range);
      const queue = await openRuns(path);
      const summary = workOn(queue);
      await isTriedInVain(queue);
      await lock.release();
      expect(await summary).toMatchObject({ succeeded: 1 });
      expect(readFileSync(path, 'utf8')).toBe('d true\n');
    },
  );

  it('runs them when the folder that is the lock has not been touched for so long that its maker must be dead', {
    tags: ['long'],
  }, async () => {
    const path = runsFile('. true\n');
    mkdirSync(`${path}.lock`);
    const almost = Date.now() / 1000 - 20;
    utimesSync(`${path}.lock`, almost, almost);
    const queue = await openRuns(path, 'directory');
    const summary = workOn(queue);
    await isTriedInVain(queue);
    expect(await summary).toMatchObject({ succeeded: 1 });
  });

  it('runs them over a server, too, when the lock is given up', { tags: ['slow'] }, async () => {
    const path = runsFile('. true\n. true\n');
    const queue = await openRuns(path);
    const service = await serveHere(queue);
    onTestFinished(() => service.close());
    const clients = [await openQueue(service.url, { token: TOKEN }), await openQueue(service.url, { token: TOKEN })];
    for (const client of clients) onTestFinished(() => client.close());
    const lock = await lockElsewhere(path, 'shared');
    const summaries = Promise.all(clients.map(workOn));
    await isTriedInVain(queue);
    await lock.release();
    await summaries;
    expect(readFileSync(path, 'utf8')).toBe('d true\nd true\n');
  });
});

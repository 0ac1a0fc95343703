import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../../src/queue/open.js';
import { Workbench } from '../../../support/bench.js';
import { eventually } from '../../../support/eventually.js';
import { claim } from '../../../support/queues.js';
import { isTurnedAway } from '../../../support/raw-peer.js';
import { KeptLog, serveHere, TOKEN } from '../../../support/tcp-queue.js';

/** A silent connection over a Unix socket. */
function idle(path: string): Socket {
  const socket = connect({ path });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

it('dozens of peers with wrong tokens do not lock out a peer with the token from the same address', {
  tags: ['long'],
}, async () => {
  const bench = new Workbench('. a\n');
  const log = new KeptLog();
  const local = await openQueue(bench.runs);
  const service = await serveHere(local, { log });
  const { port } = service.address as { port: number };
  onTestFinished(async () => {
    await service.close();
    await local.close();
  });
  for (let at = 0; at < 5; at++) expect(await isTurnedAway(port, `WRONG-${at}`)).toBe(true);
  const others = Promise.all(Array.from({ length: 60 }, (_, at) => isTurnedAway(port, `OTHER-${at}`)));
  const queue = await openQueue(service.url, { token: TOKEN });
  onTestFinished(() => queue.close());
  expect(await (await claim(queue)).finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  expect(await others).not.toContain(false);
});

it('silent peers of a Unix socket make room for each other, and push out no peer with the token', async () => {
  const bench = new Workbench('. a\n');
  const log = new KeptLog();
  const path = bench.path('socket');
  const local = await openQueue(bench.runs);
  const service = await serveHere(local, { address: { kind: 'unix', path }, log });
  const queue = await openQueue(service.url, { token: TOKEN });
  onTestFinished(async () => {
    await queue.close();
    await service.close();
    await local.close();
  });
  const taken = await claim(queue);
  const idlers = Array.from({ length: 300 }, () => idle(path));
  await eventually('those who came first are turned away', () => idlers.filter(({ closed }) => closed).length === 300 - 256);
  expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  expect(log.lines.filter(line => line.includes('is away'))).toEqual([]);
});

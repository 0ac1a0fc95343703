import { expect, it, onTestFinished } from 'vitest';
import { commandDigest } from '../../../../src/job/command-digest.js';
import { openQueue } from '../../../../src/queue/open.js';
import { Workbench } from '../../../support/bench.js';
import { eventually } from '../../../support/eventually.js';
import { claim } from '../../../support/queues.js';
import { RawPeer } from '../../../support/raw-peer.js';
import { KeptLog, serveHere, TOKEN } from '../../../support/tcp-queue.js';

const [LATE, OTHER] = ['a'.repeat(32), 'b'.repeat(32)];

/** Starts a server on the bench's file, with a short grace. */
async function server(bench: Workbench) {
  const local = await openQueue(bench.runs);
  const log = new KeptLog();
  const service = await serveHere(local, { log, grace: 300 });
  const { port } = service.address as { port: number };
  let isUp = true;
  const stop = async (): Promise<void> => {
    if (isUp) await service.close();
    isUp = false;
  };
  onTestFinished(async () => {
    await stop();
    await local.close();
  });
  return {
    local,
    stop,
    /** Connects a client; also returns its welcome. */
    async hello(client: string, claims: object[] = []) {
      const peer = await RawPeer.trusted(port, TOKEN);
      peer.say({ type: 'hello', version: 1, client, host: 'peer', claims });
      return { peer, welcome: await peer.hears('welcome') };
    },
    says: (text: string) => eventually(`the server says ${text}`, () => log.lines.some(line => line.includes(text))),
  };
}

/** The client claims the first job, under request 1. Returns the claim as the client names it when it reconnects. */
async function claimed(peer: RawPeer, command: string): Promise<object> {
  peer.say({ type: 'claim', id: 1 });
  const { job, fence } = (await peer.hears('claimed')) as { job: { number: number; offset: number }; fence: number };
  return { id: 1, number: job.number, offset: job.offset, print: commandDigest(Buffer.from(command)), fence };
}

const LOST = { ended: [], lost: [{ id: 1, reason: expect.stringContaining('the server has given the job up') }] };

it("a result after grace and reclaim is also refused by a restarted server: the line's state comes from another runner", async () => {
  const bench = new Workbench('. a\n');
  const first = await server(bench);
  const { peer } = await first.hello(LATE);
  const late = await claimed(peer, 'a');
  peer.socket.destroy();
  await first.says('are orphans now');
  await first.local.set({}, '.', { force: true });
  expect(await (await claim(first.local)).finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  await first.stop();

  const second = await server(bench);
  // The client had requested it, and never received an answer.
  expect((await second.hello(LATE, [{ ...late, ending: 'd' }])).welcome).toMatchObject(LOST);
});

it("a runner that returns late to a restarted server does not get the claim of the job's new runner", async () => {
  const bench = new Workbench('. a\n');
  const first = await server(bench);
  const { peer } = await first.hello(LATE);
  const late = await claimed(peer, 'a');
  peer.socket.destroy();
  await first.says('are orphans now');
  await first.local.set({}, '.', { force: true });
  const { peer: other } = await first.hello(OTHER);
  const held = await claimed(other, 'a');
  await first.stop();

  const second = await server(bench);
  expect((await second.hello(LATE, [late])).welcome).toMatchObject(LOST);
  const { peer: back, welcome } = await second.hello(OTHER, [held]);
  expect(welcome).toMatchObject({ ended: [], lost: [] });
  back.say({ type: 'end', id: 2, claim: 1, state: 'd' });
  expect(await back.hears('ended')).toMatchObject({ result: { kind: 'recorded' } });
  expect(bench.states).toBe('d');
});

it('nor does a runner that was away for the whole grace period of an intermediate server', async () => {
  const bench = new Workbench('. a\n');
  const first = await server(bench);
  const { peer } = await first.hello(LATE);
  const late = await claimed(peer, 'a');
  await first.stop();
  const second = await server(bench);
  await second.says('are orphans now');
  await second.local.set({}, '.', { force: true });
  expect(await (await claim(second.local)).finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  await second.stop();

  const third = await server(bench);
  expect((await third.hello(LATE, [{ ...late, ending: 'd' }])).welcome).toMatchObject(LOST);
});

import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../src/queue/open.js';
import { printOf } from '../../src/wire/job-form.js';
import { Workbench } from '../support/bench.js';
import { RawPeer } from '../support/raw-peer.js';
import { KeptLog, serveHere, TOKEN } from '../support/tcp-queue.js';

/** The name of a client. */
const CLIENT = 'c'.repeat(32);

/** A server that was just started, and a way to say hello to it as the same client again and again, each time over a new connection. */
async function restarted(content: string) {
  const bench = new Workbench(content);
  const local = await openQueue(bench.runs);
  const service = await serveHere(local, { log: new KeptLog() });
  onTestFinished(async () => {
    await service.close();
    await local.close();
  });
  const { port } = service.address as { port: number };
  const come = async (claims: object[]): Promise<RawPeer> => {
    const peer = await RawPeer.trusted(port, TOKEN);
    peer.say({ type: 'hello', version: 1, client: CLIENT, host: 'peer', claims });
    return peer;
  };
  return {
    local,
    come,
    async hello(claims: object[]) {
      const peer = await come(claims);
      return { peer, welcome: await peer.hears('welcome') };
    },
  };
}

/** The claim of the first line, whose end the client has asked for. */
const claimOf = (command: string, ending: string) => ({ id: 1, number: 1, offset: 0, print: printOf(Buffer.from(command)), ending });

it('a client that may not have heard its welcome is told once more what had been recorded before the server was started', async () => {
  const { hello, local } = await restarted('d a\n');
  const claims = [claimOf('a', 'd')];
  expect((await hello(claims)).welcome).toMatchObject({ ended: [1], lost: [] });
  // What others do to the line later changes nothing about that.
  await local.set({}, '.');
  const { peer, welcome } = await hello(claims);
  expect(welcome).toMatchObject({ ended: [1], lost: [] });
  peer.say({ type: 'end', id: 2, claim: 1, state: 'd' });
  expect(await peer.hears('ended')).toMatchObject({ id: 2, result: { kind: 'recorded' } });
});

it('a client that may not have heard its welcome is told once more which claims are lost, and why', async () => {
  const { hello } = await restarted('! a\n');
  const claims = [claimOf('a', 'd')];
  const lost = [{ id: 1, reason: expect.stringContaining('in state "!"') }];
  expect((await hello(claims)).welcome).toMatchObject({ ended: [], lost });
  const { peer, welcome } = await hello(claims);
  expect(welcome).toMatchObject({ ended: [], lost });
  peer.say({ type: 'end', id: 2, claim: 1, state: 'd' });
  expect(await peer.hears('ended')).toMatchObject({ id: 2, result: { kind: 'refused', reason: expect.stringContaining('in state "!"') } });
});

it('a client that comes back while it is found out what became of its claims is told the same', async () => {
  const { come, hello, local } = await restarted('d a\n');
  const look = local.jobs.bind(local);
  local.jobs = async function* (selection) {
    await setTimeout(500);
    yield* look(selection);
  };
  const claims = [claimOf('a', 'd')];
  await come(claims);
  await setTimeout(200);
  expect((await hello(claims)).welcome).toMatchObject({ ended: [1], lost: [] });
});

import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { commandDigest } from '../../../src/job/command-digest.js';
import { openQueue } from '../../../src/queue/open.js';
import type { Queue } from '../../../src/queue/queue.js';
import { Workbench } from '../../support/bench.js';
import { claim } from '../../support/queues.js';
import { RawPeer } from '../../support/raw-peer.js';
import { Relay } from '../../support/relay.js';
import { KeptLog, serveHere, TOKEN } from '../../support/tcp-queue.js';

/** The name of a client. */
const CLIENT = 'c'.repeat(32);

/** A fresh server, and a function that says hello as the same client, each time over a new connection. */
async function restarted(bench: Workbench) {
  const local = await openQueue(bench.runs);
  const service = await serveHere(local, { log: new KeptLog() });
  const stop = () => service.close();
  onTestFinished(async () => {
    await stop();
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
    port,
    stop,
    come,
    async hello(claims: object[]) {
      const peer = await come(claims);
      return { peer, welcome: await peer.hears('welcome') };
    },
  };
}

/** Makes a queue slow at each look at its jobs. Settles when it begins one. */
function slowToLook(queue: Queue): Promise<void> {
  const look = queue.jobs.bind(queue);
  return new Promise(resolve => {
    queue.jobs = async function* (selection) {
      resolve();
      await setTimeout(500);
      yield* look(selection);
    };
  });
}

/** Makes a queue slow at releasing a job. Settles when the release is requested, with the function that lets it proceed. */
function slowToRelease(queue: Queue): Promise<() => void> {
  const claimAtOnce = queue.claim.bind(queue);
  return new Promise(asked => {
    queue.claim = async request => {
      const result = await claimAtOnce(request);
      if (result.kind !== 'claimed') return result;
      const release = result.claim.release.bind(result.claim);
      result.claim.release = async how => {
        await new Promise<void>(go => asked(go));
        return await release(how);
      };
      return result;
    };
  });
}

/** The claim of the first line, whose end the client has requested. */
const claimOf = (command: string, ending: string) => ({ id: 1, number: 1, offset: 0, print: commandDigest(Buffer.from(command)), ending });

it('a client that may have missed its welcome is told again which results were recorded before the server started', async () => {
  const { hello, local } = await restarted(new Workbench('d a\n'));
  const claims = [claimOf('a', 'd')];
  expect((await hello(claims)).welcome).toMatchObject({ ended: [1], lost: [] });
  // Later changes of the line by others do not affect that.
  await local.set({}, '.');
  const { peer, welcome } = await hello(claims);
  expect(welcome).toMatchObject({ ended: [1], lost: [] });
  peer.say({ type: 'end', id: 2, claim: 1, state: 'd' });
  expect(await peer.hears('ended')).toMatchObject({ id: 2, result: { kind: 'recorded' } });
});

it('a client that may have missed its welcome is told again which claims are lost, and why', async () => {
  const { hello } = await restarted(new Workbench('! a\n'));
  const claims = [claimOf('a', 'd')];
  const lost = [{ id: 1, reason: expect.stringContaining('in state "!"') }];
  expect((await hello(claims)).welcome).toMatchObject({ ended: [], lost });
  const { peer, welcome } = await hello(claims);
  expect(welcome).toMatchObject({ ended: [], lost });
  peer.say({ type: 'end', id: 2, claim: 1, state: 'd' });
  expect(await peer.hears('ended')).toMatchObject({ id: 2, result: { kind: 'refused', reason: expect.stringContaining('in state "!"') } });
});

it('a client that reconnects while its claims are being checked gets the same answer', async () => {
  const { come, hello, local } = await restarted(new Workbench('d a\n'));
  const looked = slowToLook(local);
  const claims = [claimOf('a', 'd')];
  await come(claims);
  await looked;
  expect((await hello(claims)).welcome).toMatchObject({ ended: [1], lost: [] });
});

it('a client that reconnects while its unknown claims are released keeps what it claims then', async () => {
  const bench = new Workbench('. a\n. b\n');
  const { come, hello, local } = await restarted(bench);
  const released = slowToRelease(local);
  const { peer } = await hello([]);
  peer.say({ type: 'claim', id: 1 });
  await bench.reaches('r.');
  peer.socket.destroy();
  await come([]);
  const goOn = await released;
  const { peer: last } = await hello([]);
  last.say({ type: 'claim', id: 2 });
  expect(await last.hears('claimed')).toMatchObject({ id: 2, job: { number: 2 } });
  goOn();
  await bench.reaches('.r');
  last.say({ type: 'end', id: 3, claim: 2, state: 'd' });
  expect(await last.hears('ended')).toMatchObject({ id: 3, result: { kind: 'recorded' } });
  expect(bench.states).toBe('.d');
});

it('a client whose welcome was lost still learns that the server is another, and appends nothing twice', async () => {
  const bench = new Workbench('. a\n');
  const { local, port, stop } = await restarted(bench);
  const relay = await Relay.open(port);
  const queue = await openQueue(relay.url, { token: TOKEN });
  onTestFinished(() => queue.close());
  await claim(queue);
  const append = local.append.bind(local);
  local.append = async commands => {
    await append(commands);
    // The server exits before it can report that.
    await new Promise(() => undefined);
  };
  const appended = queue.append([Buffer.from('b')]);
  await bench.reaches('r.');
  relay.isClosed = true;
  relay.cut();
  await stop();
  writeFileSync(bench.runs, '! a\n. b\n');

  const next = await restarted(bench);
  const looked = slowToLook(next.local);
  relay.target = next.port;
  relay.isClosed = false;
  await looked;
  relay.cut();
  await expect(appended).rejects.toMatchObject({ message: expect.stringContaining('it is not known whether it did') });
  expect(bench.content).toBe('! a\n. b\n');
});

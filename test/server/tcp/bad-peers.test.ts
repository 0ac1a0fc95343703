import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { commandDigest } from '../../../src/job/command-digest.js';
import { openQueue } from '../../../src/queue/open.js';
import { Workbench } from '../../support/bench.js';
import { eventually } from '../../support/eventually.js';
import { mebibytes, peakOf } from '../../support/peak.js';
import { claim, reclaimAtOnce } from '../../support/queues.js';
import { isTurnedAway, RawPeer } from '../../support/raw-peer.js';
import { type ServerProcess, startServer } from '../../support/server.js';

/** Much more than a server with a few clients uses, and much less than bad peers would make it keep. */
const MOST_MEMORY = 160 * 2 ** 20;

let bench: Workbench;
let server: ServerProcess;

beforeEach(async () => {
  bench = new Workbench('. a\n. b\n. c\n. d\n');
  server = await startServer(bench, ['-v', '--grace', '2s']);
});

/** A well-behaved client claims the next job, and finishes it. */
async function othersAreServed(): Promise<void> {
  const queue = await openQueue(server.url, { token: server.token });
  try {
    const before = (await queue.counts()).done;
    const taken = await claim(queue);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect((await queue.counts()).done).toBe(before + 1);
  } finally {
    await queue.close();
  }
}

function expectBoundedMemory(): void {
  const peak = peakOf(server.process.pid);
  expect(peak, `the server took ${mebibytes(peak ?? 0)}`).toBeLessThan(MOST_MEMORY);
}

describe('peers without the token', () => {
  it('may send any bytes', async () => {
    for (let at = 0; at < 100; at++) {
      const peer = await RawPeer.stranger(server.port, '127.0.0.2');
      peer.socket.end(randomBytes(1 + Math.floor(Math.random() * 3000)));
    }
    await othersAreServed();
    expectBoundedMemory();
    expect(bench.states).toBe('d...');
  });

  it('may send the beginning of a handshake, and continue with anything', async () => {
    for (let at = 0; at < 50; at++) {
      const peer = await RawPeer.stranger(server.port, '127.0.0.2');
      peer.socket.end(Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), randomBytes(600)]));
    }
    await othersAreServed();
  });

  it('may send 100 MB: the server reads only a little of it', async () => {
    const peer = await RawPeer.stranger(server.port, '127.0.0.2');
    const chunk = Buffer.alloc(1024 * 1024, 0x61);
    for (let at = 0; at < 100 && !peer.isOver; at++) await peer.pour(chunk);
    await peer.over();
    await othersAreServed();
    expectBoundedMemory();
  });

  it('may number 500 and stay silent', async () => {
    const silent = await Promise.all(Array.from({ length: 500 }, () => RawPeer.stranger(server.port)));
    await othersAreServed();
    expectBoundedMemory();
    // The oldest had to make room.
    expect(silent.filter(peer => peer.isOver).length).toBeGreaterThan(100);
  });

  it('may try thousands of wrong tokens: their waits grow, and the log names them', {
    tags: ['long'],
    timeout: 90_000,
  }, async () => {
    const tries = Array.from({ length: 1000 }, (_, at) => isTurnedAway(server.port, `WRONG-${at}`, '127.0.0.3'));
    await Promise.all(tries.slice(0, 20));
    await othersAreServed();
    expect(bench.read('server.err')).toContain('127.0.0.3: wrong token');
    expect(await Promise.all(tries)).not.toContain(false);
    const began = performance.now();
    expect(await isTurnedAway(server.port, 'ONE-MORE', '127.0.0.3')).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(1000);
    // They cannot fill the log.
    expect(bench.read('server.err').match(/wrong token/g)?.length).toBeLessThan(30);
    expectBoundedMemory();
  });

  it('get no access without a key', async () => {
    const peer = await RawPeer.stranger(server.port, '127.0.0.4');
    peer.say(`${JSON.stringify({ type: 'hello', version: 1, client: 'a'.repeat(32), host: 'peer', claims: [] })}\n`);
    await peer.over();
    expect(peer.lines).toEqual([]);
    expect(bench.states).toBe('....');
  });
});

describe('peers with the token', () => {
  it('are disconnected when they send invalid messages, which claim nothing', async () => {
    const json = fc.oneof(
      fc.json({ maxDepth: 2 }),
      fc.string({ maxLength: 100 }),
      fc
        .record({
          type: fc.constantFrom('hello', 'claim', 'end', 'set', 'append', 'part', 'more', 'watch', 'tried', 'jobs', 'welcome', '__proto__'),
          id: fc.oneof(fc.constant(-1), fc.constant(1.5), fc.constant('1'), fc.constant(null)),
        })
        .map(value => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(
        json.filter(text => !text.includes('\n') && text !== ''),
        async text => {
          const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
          peer.say(`${text}\n`);
          await peer.over();
        },
      ),
      { numRuns: 60 },
    );
    expect(bench.states).toBe('....');
    await othersAreServed();
  });

  it('must say hello first', async () => {
    const peer = await RawPeer.trusted(server.port, server.token);
    peer.say({ type: 'claim', id: 1 });
    await peer.over();
    expect(bench.states).toBe('....');
  });

  it('may send half a message and stop: others do not wait for the rest', async () => {
    const peer = await RawPeer.trusted(server.port, server.token);
    peer.say('{"type":"hello","version":1,"cli');
    await othersAreServed();
    expect(bench.states).toBe('d...');
  });

  it('may send a line of 100 MB: it is cut off long before its end', async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    const chunk = Buffer.alloc(1024 * 1024, 0x61);
    for (let at = 0; at < 100 && !peer.isOver; at++) await peer.pour(chunk);
    await peer.over();
    await othersAreServed();
    expectBoundedMemory();
  });

  it('may append endlessly: the excess is rejected, and not kept', async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    const part = Buffer.alloc(1024 * 1024, 0x61).toString('base64');
    for (let at = 0; at < 100; at++) {
      peer.say({ type: 'part', id: 1, bytes: { base64: part } });
      if (peer.socket.writableNeedDrain) await once(peer.socket, 'drain');
    }
    peer.say({ type: 'append', id: 1, state: '.', commands: 1 });
    expect(await peer.hears('failed')).toMatchObject({ message: expect.stringContaining('too much') });
    await othersAreServed();
    expect(bench.states).toBe('d...');
  });

  it('may append empty pieces endlessly: they take room, too', async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    const parts = `${JSON.stringify({ type: 'part', id: 1, bytes: '' })}\n`.repeat(1000);
    for (let at = 0; at < 400; at++) await peer.pour(Buffer.from(parts));
    peer.say({ type: 'append', id: 1, state: '.', commands: 0 });
    expect(await peer.hears('failed')).toMatchObject({ message: expect.stringContaining('too much') });
    await othersAreServed();
    expectBoundedMemory();
  });

  it('may not begin to append again and again', async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    for (let id = 1; id <= 10_001; id++) peer.say({ type: 'part', id, bytes: '' });
    await peer.over();
    await othersAreServed();
  });

  it('may not make the server remember endless lines', async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    for (let from = 0; from < 5_000_000 && !peer.isOver; from += 250_000) {
      const lines = Array.from({ length: 250_000 }, (_, at) => from + at);
      await peer.pour(Buffer.from(`${JSON.stringify({ type: 'tried', lines })}\n`));
    }
    await peer.over();
    await othersAreServed();
  });

  it('may return under new names again and again: clients without jobs are soon forgotten', async () => {
    const few = await startServer(bench, ['--max-clients', '5']);
    const client = randomBytes(16).toString('hex');
    const sessionOf = async (name: string): Promise<unknown> => {
      const peer = await RawPeer.trusted(few.port, few.token);
      peer.say({ type: 'hello', version: 1, client: name, host: 'peer', claims: [] });
      const { session } = await peer.hears('welcome');
      peer.socket.destroy();
      await peer.over();
      return session;
    };
    const before = await sessionOf(client);
    expect(await sessionOf(client)).toBe(before);
    for (let at = 0; at < 12; at++) await sessionOf(randomBytes(16).toString('hex'));
    expect(await sessionOf(client)).not.toBe(before);
  });

  it('may send queries and never fetch the answers', async () => {
    const big = new Workbench(`. ${'x'.repeat(1000)}\n`.repeat(20_000));
    const other = await startServer(big);
    const peer = await (await RawPeer.trusted(other.port, other.token)).enter();
    peer.socket.pause();
    for (let id = 1; id <= 2000; id++) peer.say({ type: 'jobs', id, selection: {} });
    const queue = await openQueue(other.url, { token: other.token });
    onTestFinished(() => queue.close());
    await (await claim(queue)).finish({ state: 'd' });
    expect(peakOf(other.process.pid)).toBeLessThan(MOST_MEMORY);
  });

  it('may report thousands of claims that they do not have: others are served meanwhile', async () => {
    const big = new Workbench('. a\n'.repeat(100_000));
    const other = await startServer(big);
    const claims = Array.from({ length: 20_000 }, (_, at) => ({ id: at + 1, number: at + 1, offset: 5 * at, print: 'x'.repeat(44) }));
    const peer = await RawPeer.trusted(other.port, other.token);
    peer.say({ type: 'hello', version: 1, client: 'e'.repeat(32), host: 'peer', claims });
    const queue = await openQueue(other.url, { token: other.token });
    onTestFinished(() => queue.close());
    const began = performance.now();
    await (await claim(queue)).finish({ state: 'd' });
    expect(performance.now() - began).toBeLessThan(5000);
    expect((await peer.hears('welcome')).lost).toHaveLength(20_000);
  });

  it('must not report more claims than any client can have', async () => {
    const claims = Array.from({ length: 20_001 }, (_, at) => ({ id: at + 1, number: 1, offset: 0, print: '' }));
    const peer = await RawPeer.trusted(server.port, server.token);
    peer.say({ type: 'hello', version: 1, client: 'e'.repeat(32), host: 'peer', claims });
    await peer.over();
  });

  it('that claim and fall silent lose their claims', { tags: ['slow'] }, async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    peer.say({ type: 'claim', id: 1 });
    expect(await peer.hears('claimed')).toMatchObject({ job: { number: 1 } });
    await eventually('it was given up', () => bench.read('server.err').includes('(lines 1) are orphans'), 10_000);
    expect(bench.states).toBe('r...');
    const local = await openQueue(bench.runs);
    onTestFinished(() => local.close());
    expect((await reclaimAtOnce(local)).map(job => job.number)).toEqual([1]);
  });

  it('that repeat a request are disconnected; its claim is kept for a client that may reconnect', async () => {
    const client = randomBytes(16).toString('hex');
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter(client);
    peer.say({ type: 'claim', id: 1 });
    peer.say({ type: 'claim', id: 1 });
    await peer.over();
    expect(bench.states).toBe('r...');
    const again = await RawPeer.trusted(server.port, server.token);
    await again.enter(client, [{ id: 1, number: 1, offset: 0, print: commandDigest(Buffer.from('a')) }]);
    again.say({ type: 'claim', id: 1 });
    expect(await again.hears('claimed')).toMatchObject({ id: 1, job: { number: 1 } });
    expect(bench.states).toBe('r...');
  });

  it('that end a claim twice get the same answer, and change nothing', async () => {
    const peer = await (await RawPeer.trusted(server.port, server.token)).enter();
    peer.say({ type: 'claim', id: 1 });
    await peer.hears('claimed');
    for (const [id, state] of [
      [2, 'd'],
      [3, 'd'],
      [4, '!'],
    ]) {
      peer.say({ type: 'end', id, claim: 1, state });
      expect(await peer.hears('ended')).toEqual({ type: 'ended', id, result: { kind: 'recorded' } });
    }
    expect(bench.states).toBe('d...');
  });

  it("cannot end each other's claims", async () => {
    const one = await (await RawPeer.trusted(server.port, server.token)).enter();
    const other = await (await RawPeer.trusted(server.port, server.token)).enter();
    one.say({ type: 'claim', id: 1 });
    await one.hears('claimed');
    other.say({ type: 'end', id: 2, claim: 1, state: 'd' });
    expect(await other.hears('ended')).toMatchObject({ result: { kind: 'refused' } });
    expect(bench.states).toBe('r...');
  });

  it('that use another version are told which one to use', async () => {
    const peer = await RawPeer.trusted(server.port, server.token);
    peer.say({ type: 'hello', version: 2, client: 'b'.repeat(32), host: 'peer', claims: [] });
    expect(await peer.hears('refusal')).toMatchObject({ reason: expect.stringContaining('version 1') });
    await peer.over();
  });
});

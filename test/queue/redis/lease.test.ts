import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import type { Queue, QueueNotice } from '../../../src/queue/queue.js';
import { eventually } from '../../support/eventually.js';
import { startProgram } from '../../support/programs.js';
import { claim, holdersOf, jobsOf } from '../../support/queues.js';
import { RedisServer } from '../../support/redis.js';

describe('the lease of a runner of a queue in Redis', { tags: ['redis'] }, () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  async function open(name: string, lease = 600): Promise<Queue> {
    const queue = await openQueue(server.url(name), { lease });
    onTestFinished(() => queue.close());
    return queue;
  }

  async function made(content: string): Promise<string> {
    const name = server.newName();
    await server.load(name, content);
    return name;
  }

  it('is renewed while the event loop of the runner is busy for several leases', async () => {
    const name = await made('. a\n');
    const [one, other] = [await open(name, 1000), await open(name)];
    const connections = async (): Promise<number> =>
      String(await server.direct.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await connections();
    const taken = await claim(one);
    // Until its thread is connected the runner renews by itself.
    await eventually('the thread is connected', async () => (await connections()) > before);
    await isRenewing(server, name);
    const busyUntil = performance.now() + 2500;
    while (performance.now() < busyUntil) Math.sqrt(2);
    expect(await holdersOf(other)).toEqual(['present']);
    expect(await other.reclaim()).toEqual([]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('is renewed by one call every third of its duration, however many claims there are', async () => {
    const name = await made('. a\n'.repeat(100));
    const one = await open(name, 3000);
    for (let count = 0; count < 100; count++) await claim(one, { slots: 100 });
    await isRenewing(server, name);
    const before = await callsOf(server);
    await setTimeout(3000);
    const calls = (await callsOf(server)) - before;
    expect(calls).toBeGreaterThanOrEqual(2);
    expect(calls).toBeLessThanOrEqual(4);
  });

  it('ends with the queue: claimed jobs are orphaned at once', async () => {
    const name = await made('. a\n');
    const [one, other] = [await open(name, 60_000), await open(name)];
    await claim(one);
    await one.close();
    expect(await holdersOf(other)).toEqual(['absent']);
    expect((await other.reclaim()).map(job => job.id)).toEqual(['1']);
  });

  it('expires when the runner is stopped for longer; the runner reports that when it returns, and its results are refused', async () => {
    const name = await made('. sleep 2\n. true\n');
    const runner = startProgram('runmaker', ['--lease', '1s', '--json', server.url(name)]);
    const watcher = await open(name);
    await eventually('the job is running', async () => (await jobsOf(watcher))[0]?.state === 'r');
    expect(await holdersOf(watcher, { lines: [{ from: 1, to: 1 }] })).toEqual(['present']);
    runner.signal('SIGSTOP');
    await eventually('the job is orphaned', async () => (await holdersOf(watcher))[0] === 'absent');
    // No runner reclaims it: it is lost all the same.
    await setTimeout(1500);
    runner.signal('SIGCONT');
    const { status, stdout, stderr } = await runner.ended;
    expect(status).toBe(1);
    expect(`${stdout}${stderr}`).toMatch(/this runner was stopped for .*, longer than its lease of 1s: its claims are lost/);
    expect((await jobsOf(watcher)).map(job => job.state).join('')).toBe('rd');
    expect((await watcher.reclaim()).map(job => job.id)).toEqual(['1']);
  });

  it('does not expire for a runner that was stopped for a shorter time', async () => {
    const name = await made('. sleep 1\n');
    const runner = startProgram('runmaker', ['--lease', '3s', server.url(name)]);
    const watcher = await open(name);
    await eventually('the job is running', async () => (await jobsOf(watcher))[0]?.state === 'r');
    runner.signal('SIGSTOP');
    await setTimeout(1500);
    runner.signal('SIGCONT');
    expect((await runner.ended).status).toBe(0);
    expect((await jobsOf(watcher)).map(job => job.state).join('')).toBe('d');
  });

  it('that has expired, with the job reclaimed and claimed by another, causes the late result to be refused', async () => {
    const name = await made('. a\n');
    const [one, other] = [await open(name, 60_000), await open(name, 60_000)];
    const taken = await claim(one);
    await isRenewing(server, name);
    // As if the runner had been cut off from Redis for that long.
    await expire(server, name);
    expect((await other.reclaim()).map(job => job.id)).toEqual(['1']);
    const next = await claim(other);
    expect(await taken.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
    expect(await next.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(await server.content(name)).toBe('d a\n');
  });

  it('is resumed by a runner that was only cut off, if nothing was reclaimed meanwhile', async () => {
    const name = await made('. a\n. b\n');
    const [one, other] = [await open(name, 60_000), await open(name)];
    const taken = await claim(one);
    await isRenewing(server, name);
    await expire(server, name);
    expect(await holdersOf(other)).toEqual(['absent', undefined]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect((await claim(one)).job.id).toBe('2');
    expect(await holdersOf(other)).toEqual([undefined, 'present']);
  });

  it('is replaced after it was lost: the runner continues', async () => {
    const name = await made('. a\n. b\n');
    const [one, other] = [await open(name, 60_000), await open(name)];
    const notices: QueueNotice[] = [];
    const taken = await claim(one, { tell: notice => notices.push(notice) });
    await isRenewing(server, name);
    await expire(server, name);
    await other.reclaim();
    const next = await claim(one);
    expect(next.job.id).toBe('1');
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    expect(await next.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(notices).toMatchObject([{ kind: 'news', message: expect.stringContaining('its claims are lost') }]);
  });

  describe('handles', () => {
    it('are kept with the claim, and found by the runner that takes it over or runs the job next', async () => {
      const name = await made('. a\n. b\n');
      const [one, other] = [await open(name, 60_000), await open(name, 60_000)];
      const [a, b] = [await claim(one), await claim(one)];
      await a.note?.('container 4711');
      await b.note?.('container 4712');
      await one.close();
      const [adopted] = (await other.adopt?.({ lines: [{ from: 1, to: 1 }] })) ?? [];
      expect(adopted).toMatchObject({ job: { id: '1', state: 'r' }, handle: 'container 4711' });
      expect(await adopted?.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
      const [spare] = (await other.adopt?.()) ?? [];
      await spare?.abandon?.();
      expect(await holdersOf(other)).toEqual([undefined, 'absent']);
      await other.reclaim();
      const next = await claim(other);
      expect(next).toMatchObject({ job: { id: '2' }, handle: 'container 4712' });
      await next.finish({ state: '!' });
      await other.set({}, '.');
      expect((await claim(other)).handle).toBeUndefined();
    });

    it('are not kept for a claim that was lost', async () => {
      const name = await made('. a\n');
      const [one, other] = [await open(name), await open(name)];
      const taken = await claim(one);
      await other.set({}, '.', { force: true });
      await taken.note?.('container 4711');
      expect((await claim(other)).handle).toBeUndefined();
    });
  });
});

/** Makes all leases of a queue expire now. */
async function expire(server: RedisServer, name: string): Promise<void> {
  const key = `runmaker:{${name}}:leases`;
  for (const runner of await server.direct.zrange(key, '0', '-1')) await server.direct.zadd(key, '1', runner);
}

/** Waits until the thread that renews leases is at work: it starts slowly on a busy machine. */
async function isRenewing(server: RedisServer, name: string): Promise<void> {
  const score = async (): Promise<string | undefined> =>
    (await server.direct.zrange(`runmaker:{${name}}:leases`, '0', '-1', 'WITHSCORES'))[1];
  const before = await score();
  await eventually('the lease is renewed', async () => (await score()) !== before);
}

/** How many scripts have been called so far. */
async function callsOf(server: RedisServer): Promise<number> {
  const stats = await server.direct.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

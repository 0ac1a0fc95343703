import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import type { Queue, QueueNotice } from '../../../src/queue/queue.js';
import { isOpenAfter } from '../../support/eventually.js';
import { runmaker, runset } from '../../support/programs.js';
import { claim } from '../../support/queues.js';
import { RedisServer } from '../../support/redis.js';

describe('a queue in Redis, when something is wrong', { tags: ['redis'] }, () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  async function serve(options: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const own = await RedisServer.start(options);
    onTestFinished(() => own.stop());
    return own;
  }

  async function open(url: string, patience = 20_000): Promise<Queue> {
    const queue = await openQueue(url, { patience });
    onTestFinished(() => queue.close());
    return queue;
  }

  describe('names the problem, changes nothing, and exits with status 3:', () => {
    it('no server listens', async () => {
      const { status, stderr } = await runset(['--stats', 'redis+unix:/nowhere/redis.sock#q']);
      expect(stderr).toMatch(/Redis cannot be reached: no such file or directory \(ENOENT\)\nis Redis running there\?/);
      expect(status).toBe(3);
    });

    it('a wrong password, which is never printed', async () => {
      const own = await serve({ requirepass: 'right' });
      for (const url of [`redis+unix://:secret-word@${own.socket}#q`, own.url('q')]) {
        const { status, stdout, stderr } = await runset(['--stats', url]);
        expect(stderr).toContain('Redis does not let us in');
        expect(stderr).toContain('RUNMAKER_REDIS_PASSWORD');
        expect(stdout + stderr).not.toContain('secret-word');
        expect(status).toBe(3);
      }
      const { status, stderr } = await runset(['--add', 'true', own.url('q')], { env: { RUNMAKER_REDIS_PASSWORD: 'right' } });
      expect([status, stderr]).toEqual([0, '']);
      const { stdout } = await runset(['--stats', '--json', `redis+unix://:right@${own.socket}#q`]);
      expect(JSON.parse(stdout)).toMatchObject({ new: 1 });
    });

    it('Redis is out of memory', async () => {
      const own = await serve();
      await own.load('q', '. a\n. b\n');
      await own.direct.config('SET', 'maxmemory', '1');
      for (const words of [
        ['--add', 'c'],
        ['--all', '--set=d'],
      ]) {
        const { status, stderr } = await runset([...words, own.url('q')]);
        expect(stderr).toContain('out of memory (OOM)');
        expect(status).toBe(3);
      }
      const { status, stderr } = await runmaker([own.url('q')]);
      expect(stderr).toContain('out of memory (OOM)');
      expect(status).toBe(3);
      expect(await own.content('q')).toBe('. a\n. b\n');
    });

    it('a read-only replica', async () => {
      const own = await serve();
      await own.load('q', '. a\n');
      await own.direct.replicaof('127.0.0.1', 1);
      const { status, stderr } = await runset(['--add', 'b', own.url('q')]);
      expect(stderr).toContain('this Redis is a read-only replica');
      expect(status).toBe(3);
      expect(await own.content('q')).toBe('. a\n');
    });

    it('a key of another type', async () => {
      await server.direct.lpush('runmaker:{list}', 'x');
      const { status, stderr } = await runset(['--add', 'b', server.url('list')]);
      expect(stderr).toContain('a key of this queue holds something else');
      expect(status).toBe(3);
      await server.load('states', '. a\n');
      await server.direct.del('runmaker:{states}:states');
      await server.direct.lpush('runmaker:{states}:states', 'x');
      expect(await runset(['--all', '--set=d', server.url('states')])).toMatchObject({ status: 3 });
    });

    it('a layout of another version', async () => {
      await server.load('newer', '. a\n');
      await server.direct.hset('runmaker:{newer}', 'version', '2');
      for (const words of [['--list'], ['--add', 'b'], ['--all', '--set=d']]) {
        const { status, stderr } = await runset([...words, server.url('newer')]);
        expect(stderr).toContain('written by another version of runmaker');
        expect(status).toBe(3);
      }
      expect(await server.content('newer')).toBe('. a\n');
    });

    it('a script that is killed in Redis: nothing was written, and the next call succeeds', async () => {
      const own = await serve({ 'busy-reply-threshold': '10' });
      const killer = new Redis({ path: own.socket, protocol: 2, lazyConnect: false });
      onTestFinished(() => killer.disconnect());
      // Redis finds a key only after this script, which takes long, and is killed while it still only reads.
      const loop = own.direct.eval("while true do redis.call('GET', KEYS[1]) end", 1, 'x').catch((error: Error) => error.message);
      await setTimeout(100);
      const queue = openQueue(own.url('q'), { patience: 20_000 });
      queue.catch(() => undefined);
      expect(await isOpenAfter(queue, 300)).toBe(true);
      await killer.script('KILL');
      expect(await loop).toMatch(/[Ss]cript killed/);
      const opened = await queue;
      onTestFinished(() => opened.close());
      await opened.append([Buffer.from('a')]);
      expect(await own.content('q')).toBe('. a\n');
    });
  });

  it('keeps results while Redis is away, and writes them when it is back', async () => {
    const own = await serve();
    await own.load('q', '. a\n. b\n');
    const queue = await open(own.url('q'));
    const notices: QueueNotice[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(notice) });
    await own.kill();
    const finishing = taken.finish({ state: 'd' });
    expect(await isOpenAfter(finishing, 3000)).toBe(true);
    await own.start();
    expect(await finishing).toEqual({ kind: 'recorded' });
    expect(await own.content('q')).toBe('d a\n. b\n');
    const said = notices.map(notice => 'message' in notice && notice.message);
    expect(said).toEqual([expect.stringContaining('jobs that run go on'), expect.stringContaining('Redis is back')]);
    expect((await claim(queue)).job.id).toBe('2');
  });

  it('gives every lease its full duration again when Redis was restarted, however long it was down', async () => {
    const own = await serve();
    await own.load('q', '. a\n');
    const [queue, other] = [await openQueue(own.url('q'), { lease: 2000 }), await open(own.url('q'))];
    onTestFinished(() => queue.close());
    const taken = await claim(queue);
    await own.kill();
    await setTimeout(2500);
    await own.start();
    expect(await other.reclaim()).toEqual([]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('gives up when its patience runs out, and reports the reason', async () => {
    const own = await serve();
    await own.load('q', '. a\n');
    const queue = await open(own.url('q'), 700);
    const taken = await claim(queue);
    await own.kill();
    const began = performance.now();
    await expect(taken.finish({ state: 'd' })).rejects.toMatchObject({
      code: 'queue',
      message: expect.stringContaining('cannot be reached'),
    });
    expect(performance.now() - began).toBeGreaterThan(600);
  });

  it('reports what was lost when Redis comes back without the queue', async () => {
    const own = await serve({ appendonly: 'no' });
    await own.load('q', '. a\n. b\n');
    const queue = await open(own.url('q'));
    const taken = await claim(queue);
    await queue.counts();
    await own.kill();
    await own.start();
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    await expect(queue.claim({})).rejects.toMatchObject({
      code: 'queue',
      message: expect.stringContaining('Redis has lost the queue: its 2 lines are gone'),
      hint: expect.stringContaining('appendonly yes'),
    });
  });

  it('reports when Redis comes back with an older state', async () => {
    const own = await serve({ appendonly: 'no' });
    await own.load('q', '. a\n. b\n. c\n');
    const queue = await open(own.url('q'));
    const notices: QueueNotice[] = [];
    const tell = (notice: QueueNotice): number => notices.push(notice);
    await queue.counts();
    await own.direct.save();
    const taken = await claim(queue, { tell });
    await (await claim(queue, { tell })).finish({ state: 'd' });
    await own.kill();
    await own.start();
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    expect((await claim(queue, { tell })).job.id).toBe('1');
    expect(notices.map(notice => 'message' in notice && notice.message)).toContainEqual(
      expect.stringContaining('Redis came back without changes that it had confirmed'),
    );
  });

  it('carries out a request once, though its answer is lost: appending, claiming, finishing', async () => {
    const own = await serve();
    await own.load('q', '');
    const relay = new ForgetfulRelay(own);
    const queue = await open(`redis+unix:${relay.socket}#q`);
    await relay.forget(() => queue.append([Buffer.from('a'), Buffer.from('b')]));
    expect(await own.content('q')).toBe('. a\n. b\n');
    const taken = await relay.forget(() => claim(queue));
    expect(taken.job.id).toBe('1');
    expect(await own.content('q')).toBe('r a\n. b\n');
    expect(await relay.forget(() => taken.finish({ state: 'd' }))).toEqual({ kind: 'recorded' });
    const next = await claim(queue);
    expect(await relay.forget(() => next.release())).toEqual({ kind: 'recorded' });
    expect(await relay.forget(() => queue.set({}, '-'))).toEqual({ matched: 2, changed: 2, running: [] });
    expect(await own.content('q')).toBe('- a\n- b\n');
    expect(relay.forgotten).toBe(5);
  });
});

/** A proxy in front of Redis that loses its answers on demand. */
class ForgetfulRelay {
  readonly socket: string;
  forgotten = 0;
  private isForgetting = false;

  constructor(server: RedisServer) {
    this.socket = `${server.folder}/relay.sock`;
    const relay = createServer(client => {
      const redis = connect(server.socket);
      const end = (): void => {
        client.destroy();
        redis.destroy();
      };
      for (const side of [client, redis]) side.on('error', end).on('close', end);
      client.on('data', bytes => redis.write(bytes));
      redis.on('data', bytes => {
        if (!this.isForgetting) return client.write(bytes);
        this.isForgetting = false;
        this.forgotten++;
        end();
      });
    }).listen(this.socket);
    onTestFinished(() => {
      relay.close();
    });
  }

  /** Sends a request whose first answer never arrives. */
  async forget<T>(work: () => Promise<T>): Promise<T> {
    this.isForgetting = true;
    return await work();
  }
}

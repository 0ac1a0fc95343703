import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { moveJobs } from '../../src/queue/move-jobs.js';
import { openQueue } from '../../src/queue/open.js';
import type { Queue } from '../../src/queue/queue.js';
import type { MakeQueue, QueueUnderTest } from '../conformance/queue-conformance.js';
import { Repository } from '../support/git.js';
import { claim, jobsOf } from '../support/queues.js';
import { RedisServer, redisQueues } from '../support/redis.js';
import { isInstalled } from '../support/tags.js';
import { tcpQueues } from '../support/tcp-queue.js';

const cache = mkdtempSync(join(tmpdir(), 'runmaker-cache-'));
const hasRedis = isInstalled('redis-server');
let server: RedisServer;

beforeAll(async () => {
  process.env.XDG_CACHE_HOME = cache;
  if (hasRedis) server = await RedisServer.start();
});
afterAll(async () => {
  delete process.env.XDG_CACHE_HOME;
  rmSync(cache, { recursive: true, force: true, maxRetries: 5 });
  await server?.stop();
});

function fileQueue(content: string): Promise<QueueUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'runmaker-queue-'));
  const path = join(folder, 'runs.txt');
  writeFileSync(path, content);
  return Promise.resolve(
    closing(
      () => openQueue(path),
      () => readFileSync(path, 'utf8'),
      () => rmSync(folder, { recursive: true }),
    ),
  );
}

function gitQueue(content: string): Promise<QueueUnderTest> {
  const repository = new Repository({ 'runs.txt': content });
  return Promise.resolve(
    closing(
      () => openQueue(repository.name(), { sleep: 50 }),
      () => repository.read(),
      () => repository.remove(),
    ),
  );
}

function closing(open: () => Promise<Queue>, content: () => string, remove: () => void): QueueUnderTest {
  const handles: Queue[] = [];
  return {
    async open() {
      const queue = await open();
      handles.push(queue);
      return queue;
    },
    content: () => Promise.resolve(content()),
    async close() {
      await Promise.all(handles.map(queue => queue.close()));
      remove();
    },
  };
}

const KINDS: Readonly<Record<string, MakeQueue>> = {
  file: fileQueue,
  tcp: tcpQueues(),
  git: gitQueue,
  ...(hasRedis && { redis: redisQueues(() => server) }),
};
const PAIRS = Object.keys(KINDS).flatMap(from => Object.keys(KINDS).map(to => [from, to] as const));

async function make(kind: string, content: string): Promise<QueueUnderTest> {
  const made = await (KINDS[kind] as MakeQueue)(content);
  onTestFinished(() => made.close());
  return made;
}

/** A queue that fails, once or for good, before the call of the given kind and number is carried out. */
function failing(queue: Queue, method: 'set' | 'append', at: number, isAfter = false): Queue {
  let calls = 0;
  return new Proxy(queue, {
    get(of, name) {
      const value = Reflect.get(of, name, of);
      if (typeof value !== 'function') return value;
      if (name !== method) return value.bind(of);
      return async (...args: unknown[]) => {
        const fails = ++calls === at;
        if (fails && !isAfter) throw new Error('cut short');
        const result = await value.apply(of, args);
        if (fails) throw new Error('cut short');
        return result;
      };
    },
  });
}

const claimable = async (...queues: Queue[]): Promise<string[]> =>
  (await Promise.all(queues.map(queue => jobsOf(queue, { states: ['.', '!', 'e'] })))).flat().map(job => job.command.toString());

/** Each of git's steps takes a push: files to git and back are enough for the shorter tiers. */
const MANY_PUSHES = PAIRS.filter(pair => pair.includes('git') && !pair.includes('file'));

describe.each(PAIRS.filter(pair => !MANY_PUSHES.includes(pair)))('moving jobs from %s to %s', moveTests);
describe.each(MANY_PUSHES)('moving jobs from %s to %s', { tags: ['long'] }, moveTests);

function moveTests(from: string, to: string): void {
  it('appends them with their states to the target, and leaves them in the source as moved', async () => {
    const [source, target] = [await make(from, '. a\nd b\n! c\ne d\n- e\nx f\n. g #: cpus=2 name=g\n'), await make(to, 'd old\n')];
    expect(await moveJobs(await source.open(), await target.open())).toEqual({ moved: 7, running: [], resumed: 0 });
    expect(await target.content()).toBe('d old\n. a\nd b\n! c\ne d\n- e\nx f\n. g #: cpus=2 name=g\n');
    expect(await source.content()).toBe('> a\n> b\n> c\n> d\n> e\n> f\n> g #: cpus=2 name=g\n');
  });

  it('skips running jobs, and names them', async () => {
    const [source, target] = [await make(from, '. a\n. b\n'), await make(to, '')];
    const queue = await source.open();
    await claim(queue);
    const { moved, running } = await moveJobs(await source.open(), await target.open());
    expect([moved, running.map(job => job.id)]).toEqual([1, ['1']]);
    expect(await source.content()).toBe('r a\n> b\n');
    expect(await target.content()).toBe('. b\n');
  });
}

describe('a move of jobs', () => {
  const [from, to] = hasRedis ? ['file', 'redis'] : ['file', 'tcp'];

  it.each<['source' | 'target', 'set' | 'append', number, boolean]>([
    ['source', 'set', 1, true],
    ['source', 'set', 2, false],
    ['target', 'append', 1, false],
    ['target', 'append', 1, true],
    ['target', 'set', 1, false],
    ['target', 'set', 2, true],
    ['source', 'set', 4, false],
    ['source', 'set', 4, true],
    ['target', 'set', 3, true],
    ['target', 'set', 4, false],
  ])(
    'that is interrupted at the %s (%s %d, after it: %s) leaves no job claimable twice, and is completed by the next',
    async (side, method, at, isAfter) => {
      const content = '. same\n! same\nd same\n. other\n. same\n';
      const [made, there] = [await make(from as string, content), await make(to as string, '')];
      const [source, target] = [await made.open(), await there.open()];
      const cut = (queue: Queue, mine: string): Queue => (mine === side ? failing(queue, method, at, isAfter) : queue);
      await expect(moveJobs(cut(source, 'source'), cut(target, 'target'))).rejects.toThrow('cut short');
      const left = await claimable(source, target);
      expect(left.length).toBeLessThanOrEqual(4);
      expect(left.filter(command => command === 'other').length).toBeLessThanOrEqual(1);
      await moveJobs(source, target);
      expect(await there.content()).toBe(content);
      expect(await made.content()).toBe(content.replace(/^./gm, '>'));
      expect(await moveJobs(source, target)).toMatchObject({ moved: 0, resumed: 0 });
      expect(await there.content()).toBe(content);
    },
  );

  it.each(['file', 'git', to as string])('keeps stages in %s: barriers move with the jobs that they separate', async kind => {
    const [source, target] = [await make('file', '---\n. a\n# c\n---\n\n---\n. b #: name=b\n. c #: after=b\n'), await make(kind, '')];
    await moveJobs(await source.open(), await target.open());
    expect(await target.content()).toBe('. a\n---\n. b #: name=b\n. c #: after=b\n');
  });

  it('moves only the chosen jobs', async () => {
    const [source, target] = [await make('file', '. a\nd b\n. c\n'), await make(to as string, '')];
    await moveJobs(await source.open(), await target.open(), { lines: [{ from: 2 }], states: ['.'] });
    expect([await source.content(), await target.content()]).toEqual(['. a\nd b\n> c\n', '. c\n']);
  });

  it('keeps line numbers that other jobs wait for, where the target is empty', async () => {
    const [source, target] = [await make('file', '. a\n. b #: after=1\n'), await make(to as string, '')];
    await moveJobs(await source.open(), await target.open());
    expect(await target.content()).toBe('. a\n. b #: after=1\n');
  });

  it.each([
    ['waits for a line by a number that it would not have', '# c\n. a\n. b #: after=2\n', '', 'give line 2 a name'],
    ['waits for a line by its number, and the target has jobs', '. a\n. b #: after=1\n', 'd x\n', 'give line 1 a name'],
    ['waits for what stays', 'r a #: name=a\n. b #: after=a\n', '', 'wait until those that run have ended'],
    ['stands below a barrier and something above it stays', 'r a\n---\n. b\n', '', 'wait until those that run have ended'],
  ])('is rejected before anything changes when a job %s', async (_, content, there, hint) => {
    const [source, target] = [await make('file', content), await make(to as string, there)];
    await expect(moveJobs(await source.open(), await target.open())).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining(hint),
    });
    expect([await source.content(), await target.content()]).toEqual([content, there]);
  });

  it('is undone in the source when the target cannot hold its jobs', async () => {
    const [source, target] = [await make('file', '. a\n---\nx b\n! c\n'), await make('tcp', '')];
    await expect(moveJobs(await source.open(), await target.open())).rejects.toMatchObject({ code: 'usage' });
    expect([await source.content(), await target.content()]).toEqual(['. a\n---\nx b\n! c\n', '']);
  });

  it('of lines over a server, some of which may be barriers, is rejected', async () => {
    const [source, target] = [await make('tcp', '. a\n---\n. b\n'), await make('file', '')];
    await expect(moveJobs(await source.open(), await target.open())).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('file'),
    });
  });

  it('to itself is rejected', async () => {
    const source = await make('file', '. a\n');
    await expect(moveJobs(await source.open(), await source.open())).rejects.toMatchObject({ code: 'usage' });
  });
});

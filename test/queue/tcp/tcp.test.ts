import { writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { explain } from '../../../src/queue/file/explain-error.js';
import { openQueue } from '../../../src/queue/open.js';
import type { Queue, QueueNotice } from '../../../src/queue/queue.js';
import { describeQueue } from '../../conformance/queue-conformance.js';
import { Workbench } from '../../support/bench.js';
import { eventually } from '../../support/eventually.js';
import { systemError } from '../../support/hooked-locks.js';
import { claim, jobsOf, planOf } from '../../support/queues.js';
import { KeptLog, serveHere, TOKEN, tcpQueues } from '../../support/tcp-queue.js';
import { temporaryFolder } from '../../support/temporary.js';

describeQueue('a runs file, served over TCP', { presence: true, presenceReturns: 2500 }, tcpQueues());
describe('a server', { tags: ['long'] }, () => {
  describeQueue('a runs file, served with --legacy too', { presence: true, presenceReturns: 2500 }, tcpQueues({ legacy: true }));
  describeQueue('a runs file without presence, served over TCP', { presence: false }, tcpQueues({}, 'directory'));
});

/** A client of a server in this process. */
async function served(content: string | Buffer): Promise<{ bench: Workbench; local: Queue; log: KeptLog; client(): Promise<Queue> }> {
  const bench = new Workbench(content);
  const queue = await openQueue(bench.runs);
  const log = new KeptLog();
  const service = await serveHere(queue, { log });
  onTestFinished(async () => {
    await service.close();
    await queue.close();
  });
  return {
    ...{ bench, local: queue, log },
    async client() {
      const opened = await openQueue(service.url, { token: TOKEN });
      onTestFinished(() => opened.close());
      return opened;
    },
  };
}

describe('a served queue', () => {
  it('is sent in pieces, as far as requested', async () => {
    const count = 20_000;
    const { client } = await served(Array.from({ length: count }, (_, at) => `. job ${at + 1}\n`).join(''));
    const queue = await client();
    expect((await jobsOf(queue)).map(job => `${job.number} ${job.command}`)).toEqual(
      Array.from({ length: count }, (_, at) => `${at + 1} job ${at + 1}`),
    );
    let pieces = 0;
    for await (const jobs of queue.jobs()) {
      expect(jobs.length).toBeLessThan(count / 2);
      if (++pieces === 2) break;
    }
    // Many lists that were never fetched to the end block no client.
    for (let at = 0; at < 40; at++) for await (const _ of queue.jobs()) break;
    expect((await jobsOf(queue, { lines: [{ from: count }] })).map(job => job.number)).toEqual([count]);
  });

  it('reports truncation when a client reads more lists at a time than a server keeps', async () => {
    const { client } = await served('. a\n'.repeat(1200));
    const queue = await client();
    const lists = Array.from({ length: 17 }, () => queue.jobs()[Symbol.asyncIterator]());
    for (const list of lists) expect((await list.next()).value).toHaveLength(500);
    await expect(lists[0]?.next()).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining('16 half read') });
    for (const list of lists.slice(1)) expect((await list.next()).value).toHaveLength(500);
  });

  it('names all jobs that were skipped because they run, however many', async () => {
    const { bench, client } = await served('. a\n'.repeat(1200));
    const [one, other] = [await client(), await client()];
    for (let at = 0; at < 1200; at++) await claim(one);
    expect(bench.states).toBe('r'.repeat(1200));
    const { matched, running } = await other.set({}, '-');
    expect([matched, running.length, running.at(-1)?.number]).toEqual([1200, 1200, 1200]);
  });

  it('accepts selections of tens of thousands of lines, and appends as many', async () => {
    const { bench, client } = await served('d a\n'.repeat(50_000));
    const queue = await client();
    const lines = Array.from({ length: 25_000 }, (_, at) => ({ from: 2 * at + 1, to: 2 * at + 1 }));
    expect(await queue.set({ lines }, '.')).toEqual({ matched: 25_000, changed: 25_000, running: [] });
    expect(bench.content).toBe('. a\nd a\n'.repeat(25_000));
    await queue.append(Array.from({ length: 100_000 }, (_, at) => Buffer.from(`command number ${at}`)));
    expect((await queue.counts()).total).toBe(150_000);
  });

  it('accepts lines given one by one, however many, as merged ranges', async () => {
    const { bench, client } = await served('d a\n'.repeat(5000));
    const queue = await client();
    const lines = Array.from({ length: 700_000 }, (_, at) => ({ from: at + 1, to: at + 1 }));
    expect(await queue.set({ lines }, '.')).toEqual({ matched: 5000, changed: 5000, running: [] });
    expect(bench.content).toBe('. a\n'.repeat(5000));
  });

  it('sets the jobs that a regular expression chooses, however many commands match', async () => {
    const count = 60_000;
    const { bench, client } = await served(Array.from({ length: count }, (_, at) => `d job ${at}\n`).join(''));
    const queue = await client();
    expect(await queue.set({ match: '^job' }, '.')).toEqual({ matched: count, changed: count, running: [] });
    expect(bench.states).toBe('.'.repeat(count));
  });

  it('rejects a selection that is too long to send, at once', async () => {
    const { bench, client } = await served('d a\n');
    const queue = await client();
    const lines = Array.from({ length: 700_000 }, (_, at) => ({ from: 2 * at + 1, to: 2 * at + 1 }));
    const refused = {
      code: 'usage',
      message: expect.stringMatching(/^a selection of \d+ bytes \(700000 lines/),
      hint: expect.stringMatching(/ranges/),
    };
    await expect(queue.set({ lines }, '.')).rejects.toMatchObject(refused);
    await expect(jobsOf(queue, { lines })).rejects.toMatchObject(refused);
    expect((await queue.counts()).done).toBe(1);
    expect(bench.content).toBe('d a\n');
  });

  it('carries commands of megabytes', async () => {
    const command = Buffer.concat([Buffer.from(': '), Buffer.alloc(5_000_000, 0xe9)]);
    const { client } = await served(Buffer.concat([Buffer.from('. '), command, Buffer.from('\n')]));
    const queue = await client();
    expect((await jobsOf(queue))[0]?.command.equals(command)).toBe(true);
    const taken = await claim(queue);
    expect(taken.job.command.equals(command)).toBe(true);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('sends each client its notices, once', async () => {
    const { client } = await served('. a #: cpus=many\n. b #: cpus=5\n. c\n. d\n. e\n. f\n');
    for (const cpus of [4, 1]) {
      const queue = await client();
      const notices: QueueNotice[] = [];
      const room = { cpus, mem: 0, gpus: 0 };
      for (let at = 0; at < 2; at++) await claim(queue, { free: room, capacity: room, tell: notice => notices.push(notice) });
      expect(notices.map(({ kind }) => kind).sort()).toEqual(['tooBig', 'unusable']);
      await planOf(queue, { capacity: room, tell: notice => notices.push(notice) });
      expect(notices.map(({ kind }) => kind).sort()).toEqual(['tooBig', 'tooBig', 'unusable', 'unusable']);
    }
  });

  it('reports trouble with the state of a job to its runner and to the log, however late, and continues', async () => {
    const { local, log, client } = await served('. a\n');
    const queue = await client();
    const claimAtOnce = local.claim.bind(local);
    let tell: ((notice: QueueNotice) => void) | undefined;
    local.claim = request => {
      tell = request.tell;
      return claimAtOnce(request);
    };
    const notices: QueueNotice[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(notice) });
    const notice: QueueNotice = { kind: 'news', message: 'no space left', hint: 'make room' };
    tell?.(notice);
    await eventually('the client is told', () => notices.length > 0);
    expect(notices).toEqual([notice]);
    expect(log.lines).toContainEqual(expect.stringContaining('no space left'));
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(log.lines).not.toContainEqual(expect.stringContaining('is away'));
  });

  it('notifies its clients of changes that others make to the file', async () => {
    const { bench, client } = await served('. a\n');
    const queue = await client();
    const changed = queue.changed(AbortSignal.timeout(5000));
    writeFileSync(bench.runs, '. a\n. b\n');
    await changed;
    expect((await queue.counts()).total).toBe(2);
  });

  it("attributes limits of the server's host to that host, not to this one", async () => {
    const { local, client } = await served('. a\n');
    const queue = await client();
    local.claim = () => Promise.reject(explain('runs.txt', systemError('EMFILE')));
    const message = 'on the server: runs.txt: too many open files (EMFILE)';
    await expect(queue.claim({})).rejects.toMatchObject({ code: 'queue', message, hint: expect.stringContaining('ulimit -n') });
    await expect(queue.set({}, 'dd' as 'd')).rejects.toMatchObject({ code: 'usage', message: '"dd" is not a state' });
  });

  it('works over a Unix socket', async () => {
    const bench = new Workbench('. a\n');
    const local = await openQueue(bench.runs);
    const service = await serveHere(local, { address: { kind: 'unix', path: `${temporaryFolder()}/socket` } });
    const queue = await openQueue(service.url, { token: TOKEN });
    onTestFinished(async () => {
      await queue.close();
      await service.close();
      await local.close();
    });
    await (await claim(queue)).finish({ state: 'd' });
    expect(bench.states).toBe('d');
    expect(queue.address).toBe(service.url);
  });

  it('stops serving once it is closed', async () => {
    const { client } = await served('. a\n');
    const queue = await client();
    await queue.close();
    await expect(queue.counts()).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining('closed') });
  });
});

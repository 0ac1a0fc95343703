import { statSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { State } from '../../src/job/state.js';
import { openQueue } from '../../src/queue/open.js';
import type { QueueNotice } from '../../src/queue/queue.js';
import { Workbench } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { runset } from '../support/programs.js';
import { claim, holdersOf, reclaimAtOnce } from '../support/queues.js';
import { Random } from '../support/random.js';
import { startClient, startServer } from '../support/server.js';

/** A job that records its run. */
const marking = (at: number, time = 0): string => `. sleep ${time}; echo ${at} >> ran`;

function countsOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

/** Waits until the client has started the given number of jobs: a claim is not enough, the client must have received it. */
async function hasBegun(bench: Workbench, jobs: number): Promise<void> {
  await eventually(`${jobs} jobs have begun`, () => bench.lines('client.out').filter(line => line.includes(': forked ')).length === jobs);
}

describe('a server that is killed and started again', () => {
  it('reconnects with its clients: their jobs continue, and their results are written', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`${marking(1, 2)}\n${marking(2, 2)}\n`);
    const first = await startServer(bench);
    const client = startClient(bench, 'client', first.url, ['-j2']);
    await hasBegun(bench, 2);
    first.process.signal('SIGKILL');
    await first.process.end;
    await startServer(bench, [], first.port);
    expect(await client.within(30_000)).toEqual({ status: 0, signal: null });
    expect(bench.states).toBe('dd');
    expect(bench.lines('ran').sort()).toEqual(['1', '2']);
  });

  it('writes results that arrived while it was down', async () => {
    const bench = new Workbench(`${marking(1, 0.5)}\n`);
    const first = await startServer(bench);
    const client = startClient(bench, 'client', first.url);
    await hasBegun(bench, 1);
    first.process.signal('SIGKILL');
    await first.process.end;
    await bench.has('ran');
    expect(bench.states).toBe('r');
    await startServer(bench, [], first.port);
    expect(await client.within(30_000)).toEqual({ status: 0, signal: null });
    expect(bench.states).toBe('d');
  });

  it('protects the jobs from being reclaimed while their runners may return, and resets them when they do not', {
    tags: ['slow'],
  }, async () => {
    const bench = new Workbench('r lost\n. next\n');
    const local = await openQueue(bench.runs);
    onTestFinished(() => local.close());
    await startServer(bench, ['--grace', '4s', '--reclaim']);
    expect(await holdersOf(local)).toEqual(['present', undefined]);
    expect(await reclaimAtOnce(local)).toEqual([]);
    expect(bench.states).toBe('r.');
    await bench.reaches('..');
  });

  it('leaves jobs whose runners do not return as orphans, unless it is told to reset them', { tags: ['slow'] }, async () => {
    const bench = new Workbench('r lost\n');
    await startServer(bench, ['--grace', '300ms']);
    await eventually('the grace is over', () => bench.read('server.err').includes('orphans now'));
    expect(bench.states).toBe('r');
    expect((await runset(['--reclaim', bench.runs])).stdout).toContain('1: .');
  });

  it('rejects a result that arrives after the grace period, even if the line says the same: another client wrote that', {
    tags: ['slow'],
  }, async () => {
    const bench = new Workbench(`${marking(1, 0.5)}\n`);
    const options = ['--grace', '1500ms', '--reclaim'];
    const first = await startServer(bench, options);
    const late = startClient(bench, 'client', first.url);
    await hasBegun(bench, 1);
    late.signal('SIGSTOP');
    first.process.signal('SIGKILL');
    await first.process.end;
    await startServer(bench, options, first.port);
    await bench.reaches('.');
    expect((await startClient(bench, 'other', first.url).within(30_000)).status).toBe(0);
    expect(bench.states).toBe('d');
    late.signal('SIGCONT');
    expect((await late.within(30_000)).status).toBe(1);
    expect(bench.read('client.err')).toMatch(/job 1: its state 'd' was not written: .* longer than the grace/);
    expect(bench.lines('ran')).toEqual(['1', '1']);
  });

  it('recovers a claim whose line has moved meanwhile', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`${marking(1, 2)}\n`);
    const first = await startServer(bench);
    const client = startClient(bench, 'client', first.url);
    await hasBegun(bench, 1);
    first.process.signal('SIGKILL');
    await first.process.end;
    writeFileSync(bench.runs, `# moved\n- another\n${bench.content}`);
    await startServer(bench, [], first.port);
    expect(await client.within(30_000)).toEqual({ status: 0, signal: null });
    expect(bench.content).toBe('# moved\n- another\nd sleep 2; echo 1 >> ran\n');
  });

  it('during an append leaves no partial command that could run', { tags: ['slow'], timeout: 60_000 }, async () => {
    const bench = new Workbench('');
    const commands = Array.from({ length: 20_000 }, (_, at) => Buffer.from(`rm -r /data/project${at}/${'x'.repeat(200)}/tmp`));
    const whole = new Set(commands.map(String));
    const local = await openQueue(bench.runs);
    onTestFinished(() => local.close());
    const random = new Random(5);
    let cutShort = 0;
    for (let round = 0; round < 6; round++) {
      const server = await startServer(bench);
      const queue = await openQueue(server.url, { token: server.token, patience: 0 });
      const before = statSync(bench.runs).size;
      const appended = queue.append(commands).then(
        () => true,
        () => false,
      );
      await eventually('the server writes', () => statSync(bench.runs).size > before);
      await new Promise(resolve => setTimeout(resolve, random.between(0, 20)));
      server.process.signal('SIGKILL');
      await server.process.end;
      await queue.close();
      if (!(await appended)) cutShort++;
      // Whatever is left at the end of the file, the next append begins a line of its own.
      await local.append([Buffer.from(`echo ${round}`)]);
      const found: string[] = [];
      for await (const jobs of local.jobs()) found.push(...jobs.map(({ command }) => command.toString()));
      expect(found.filter(command => !whole.has(command))).toEqual(Array.from({ length: round + 1 }, (_, at) => `echo ${at}`));
    }
    expect(cutShort).toBeGreaterThan(2);
  });

  it('repeatedly loses no job and runs none twice', { tags: ['long'], timeout: 120_000 }, async () => {
    const count = 400;
    const bench = new Workbench(`${Array.from({ length: count }, (_, at) => marking(at + 1, 0.05)).join('\n')}\n`);
    const options = ['--grace', '3s', '--reclaim'];
    let server = await startServer(bench, options);
    const clients = Array.from({ length: 3 }, (_, at) => startClient(bench, `client${at}`, server.url, ['-j2', '-q']));
    await eventually('all clients are there', () => bench.read('server.err').match(/has come/g)?.length === clients.length);
    const random = new Random(3);
    let kills = 0;
    while (clients.some(client => client.isAlive) && kills < 6) {
      await new Promise(resolve => setTimeout(resolve, random.between(300, 900)));
      server.process.signal('SIGKILL');
      await server.process.end;
      kills++;
      server = await startServer(bench, options, server.port);
    }
    for (const client of clients) expect((await client.within(55_000)).status).toBe(0);
    // A claim that no client was told of comes back after the grace period.
    await eventually('nothing is said to run', () => !bench.states.includes('r'), 20_000);
    if (bench.states.includes('.')) expect((await startClient(bench, 'last', server.url, ['-j2']).within(30_000)).status).toBe(0);
    expect(kills).toBeGreaterThan(2);
    expect(bench.states).toBe('d'.repeat(count));
    const ran = countsOf(bench.lines('ran'));
    expect([...ran.values()].filter(times => times > 1)).toEqual([]);
    expect(ran.size).toBe(count);
  });
});

/** Writes the state of the first line, whichever runner holds it. */
async function writeState(bench: Workbench, state: State): Promise<void> {
  const local = await openQueue(bench.runs);
  await local.set({ lines: [{ from: 1, to: 1 }] }, state, { force: true });
  await local.close();
}

describe('a claim whose end was written before the server was killed', () => {
  it('counts as recorded, although the client was not told', async () => {
    const bench = new Workbench('. a\n. b\n');
    const first = await startServer(bench);
    const queue = await openQueue(first.url, { token: first.token });
    const taken = await claim(queue);
    first.process.signal('SIGSTOP');
    const finished = taken.finish({ state: 'd' });
    first.process.signal('SIGKILL');
    await first.process.end;
    // As if the server had written it just before it died.
    await writeState(bench, 'd');
    await startServer(bench, [], first.port);
    expect(await finished).toEqual({ kind: 'recorded' });
    await queue.close();
    expect(bench.states).toBe('d.');
  });

  it('is refused if no server received it: the same state there comes from another runner', { tags: ['slow'] }, async () => {
    const bench = new Workbench('. a\n. b\n');
    const first = await startServer(bench);
    const notices: QueueNotice[] = [];
    const queue = await openQueue(first.url, { token: first.token });
    const taken = await claim(queue, { tell: notice => notices.push(notice) });
    first.process.signal('SIGKILL');
    await first.process.end;
    await eventually('the client has noticed', () => notices.length > 0);
    await writeState(bench, 'd');
    const finished = taken.finish({ state: 'd' });
    await startServer(bench, [], first.port);
    expect(await finished).toMatchObject({ kind: 'refused', reason: expect.stringContaining('in state "d"') });
    await queue.close();
    expect(bench.states).toBe('d.');
  });

  it('is refused if the line has another state', async () => {
    const bench = new Workbench('. a\n');
    const first = await startServer(bench);
    const queue = await openQueue(first.url, { token: first.token });
    const result = await queue.claim({});
    if (result.kind !== 'claimed') throw new Error('nothing was claimed');
    first.process.signal('SIGKILL');
    await first.process.end;
    const local = await openQueue(bench.runs);
    await local.set({}, '-', { force: true });
    await local.close();
    const finished = result.claim.finish({ state: 'd' });
    await startServer(bench, [], first.port);
    expect(await finished).toMatchObject({ kind: 'refused', reason: expect.stringContaining('in state "-"') });
    await queue.close();
    expect(bench.states).toBe('-');
  });
});

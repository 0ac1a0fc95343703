import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Background } from '../../../support/background.js';
import { Workbench } from '../../../support/bench.js';
import { eventually } from '../../../support/eventually.js';
import { startClient, startServer } from '../../../support/server.js';

/** The length of the stall, in ms; all grace periods here are shorter. */
const STALL = 3500;
const OPTIONS = ['--grace', '1500ms', '--reclaim'];

/** As when a machine is paused with all that runs on it. */
async function stall(server: Background, meanwhile: () => void = () => undefined): Promise<void> {
  server.signal('SIGSTOP');
  await setTimeout(STALL);
  meanwhile();
  server.signal('SIGCONT');
}

async function hasBegun(bench: Workbench): Promise<void> {
  await eventually('the job has begun', () => bench.lines('client.out').some(line => line.includes(': forked ')));
}

/** The client kept its job all the time, and no other client got it. */
async function expectKept(bench: Workbench, client: Background): Promise<void> {
  expect(await client.within(30_000)).toEqual({ status: 0, signal: null });
  expect(bench.states).toBe('d');
  expect(bench.lines('ran')).toHaveLength(1);
  expect(bench.read('server.err')).not.toMatch(/has not come back|have not come back|set back/);
}

describe('a server that was stalled for longer than the grace period', () => {
  it('takes nothing from a client that stayed connected', { tags: ['slow'] }, async () => {
    const bench = new Workbench('. sleep 6; echo x >> ran\n');
    const { url, process } = await startServer(bench, OPTIONS);
    const client = startClient(bench, 'client', url);
    await hasBegun(bench);
    await stall(process);
    await expectKept(bench, client);
  });

  it('grants a client that was already away its full grace period again', { tags: ['long'] }, async () => {
    const bench = new Workbench('. sleep 6; echo x >> ran\n');
    const { url, process } = await startServer(bench, OPTIONS);
    const client = startClient(bench, 'client', url);
    await hasBegun(bench);
    client.signal('SIGSTOP');
    await eventually('it is away', () => bench.read('server.err').includes('is away'));
    await stall(process, () => client.signal('SIGCONT'));
    await expectKept(bench, client);
  });

  it('continues to wait for clients known from before its restart', { tags: ['long'] }, async () => {
    const bench = new Workbench('. sleep 6; echo x >> ran\n');
    const first = await startServer(bench, OPTIONS);
    const client = startClient(bench, 'client', first.url);
    await hasBegun(bench);
    client.signal('SIGSTOP');
    first.process.signal('SIGKILL');
    await first.process.end;
    const { process } = await startServer(bench, OPTIONS, first.port);
    await stall(process, () => client.signal('SIGCONT'));
    await expectKept(bench, client);
  });

  it('still gives up clients that do not return', { tags: ['slow'] }, async () => {
    const bench = new Workbench('. sleep 6; echo x >> ran\n');
    const { url, process } = await startServer(bench, OPTIONS);
    const client = startClient(bench, 'client', url);
    await hasBegun(bench);
    client.signal('SIGKILL');
    await eventually('it is away', () => bench.read('server.err').includes('is away'));
    await stall(process);
    await bench.reaches('.');
    expect(bench.read('server.err')).toContain('has not come back');
  });
});

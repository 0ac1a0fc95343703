import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Background, startNode } from '../../support/background.js';
import { Workbench } from '../../support/bench.js';
import { eventually } from '../../support/eventually.js';
import { canMakeNamespaces, NEEDS_NAMESPACES, Network } from '../../support/namespaces.js';
import { type Program, programWords } from '../../support/programs.js';

const TOKEN = '0123456789ABCDEFGHJKMNPQRS';
const PORT = 9998;

if (!canMakeNamespaces()) process.stderr.write(`skipped: two hosts and a server: ${NEEDS_NAMESPACES}\n`);

/** A runs file on a server's host, and programs on hosts. */
class Hosts extends Workbench {
  readonly network = new Network();

  start(host: 'server' | 'a' | 'b', program: Program, args: readonly string[]): Background {
    const [ip, ...words] = this.network.on(host);
    const outputs = { stdout: this.path(`${host}.out`), stderr: this.path(`${host}.err`) };
    return startNode([...words, ...programWords(program), ...args], { cwd: this.folder, ...outputs }, ip);
  }

  async serve(...args: string[]): Promise<Background> {
    const before = this.lines('server.out').length;
    const server = this.start('server', 'runmaker-server', ['--token', TOKEN, ...args, this.runs]);
    await eventually('the server serves', () => this.lines('server.out').length >= before + 2);
    return server;
  }

  client(host: 'a' | 'b', ...args: string[]): Background {
    return this.start(host, 'runmaker-client', ['--token', TOKEN, ...args, `${this.network.serverFor(host)}:${PORT}`]);
  }

  /** How often each job ran. */
  get runCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const line of this.lines('ran')) counts.set(line, (counts.get(line) ?? 0) + 1);
    return counts;
  }
}

const jobs = (count: number, before = ''): string =>
  Array.from({ length: count }, (_, at) => `. ${before}echo ${at + 1} >> ran\n`).join('');

describe.skipIf(!canMakeNamespaces())('two hosts and a server, each with a network of its own', () => {
  it('run 1,000 jobs, each once', async () => {
    const hosts = new Hosts(jobs(1000));
    await hosts.serve();
    const clients = [hosts.client('a', '-j2'), hosts.client('b', '-j2')];
    for (const client of clients) expect((await client.within(100_000)).status).toBe(0);
    expect(hosts.states).toBe('d'.repeat(1000));
    expect(hosts.runCounts.size).toBe(1000);
    expect(hosts.lines('ran')).toHaveLength(1000);
    // Each got its share.
    for (const host of ['a', 'b'])
      expect(hosts.lines(`${host}.out`).filter(line => line.startsWith('executing')).length).toBeGreaterThan(50);
  }, 120_000);

  it('continue where they were when a cable was pulled for less than the grace period', { tags: ['slow'], timeout: 90_000 }, async () => {
    const hosts = new Hosts(jobs(60, 'sleep 0.2; '));
    await hosts.serve('--grace', '30s');
    const clients = [hosts.client('a', '-j2'), hosts.client('b', '-j2')];
    await hosts.has('ran', 4);
    hosts.network.cable('a', 'down');
    await setTimeout(4000);
    hosts.network.cable('a', 'up');
    for (const client of clients) expect((await client.within(60_000)).status).toBe(0);
    expect(hosts.states).toBe('d'.repeat(60));
    expect([...hosts.runCounts.values()].every(times => times === 1)).toBe(true);
    expect(hosts.lines('ran')).toHaveLength(60);
  });

  it('lose their claims when a cable was pulled for longer: others run the jobs, and the late results are refused and reported', {
    tags: ['long'],
    timeout: 90_000,
  }, async () => {
    const hosts = new Hosts(jobs(2, 'sleep 8; '));
    await hosts.serve('--grace', '2s', '--reclaim');
    const away = hosts.client('a', '-j2');
    await hosts.reaches('rr');
    await eventually('both jobs have begun', () => hosts.lines('a.out').filter(line => line.includes('forked')).length === 2);
    hosts.network.cable('a', 'down');
    await hosts.reaches('..');
    const other = hosts.client('b', '-j2');
    await hosts.reaches('rr');
    hosts.network.cable('a', 'up');
    expect((await away.within(40_000)).status).toBe(1);
    expect(hosts.read('a.err').match(/was not written/g)).toHaveLength(2);
    expect((await other.within(40_000)).status).toBe(0);
    expect(hosts.states).toBe('dd');
    expect([...hosts.runCounts.values()]).toEqual([2, 2]);
  });

  it('survive when the server is killed and restarted', { tags: ['slow'], timeout: 120_000 }, async () => {
    const hosts = new Hosts(jobs(300));
    const options = ['--grace', '4s', '--reclaim'];
    const first = await hosts.serve(...options);
    const clients = [hosts.client('a', '-j2'), hosts.client('b', '-j2')];
    await hosts.has('ran', 30);
    await eventually('both are there', () => hosts.read('server.err').match(/has come/g)?.length === 2);
    first.signal('SIGKILL');
    await first.end;
    await setTimeout(500);
    await hosts.serve(...options);
    for (const client of clients) expect((await client.within(60_000)).status).toBe(0);
    await eventually('what nobody was told of is new again', () => !hosts.states.includes('r'));
    if (hosts.states.includes('.')) await hosts.client('a').within(30_000);
    expect(hosts.states).toBe('d'.repeat(300));
    expect(hosts.lines('ran')).toHaveLength(300);
    expect(hosts.runCounts.size).toBe(300);
  });
});

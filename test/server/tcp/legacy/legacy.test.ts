import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../../src/queue/open.js';
import { Workbench } from '../../../support/bench.js';
import { eventually } from '../../../support/eventually.js';
import { LegacyAnswers } from '../../../support/legacy-answers.js';
import { fixture, run, runmaker, start } from '../../../support/programs.js';
import { claim } from '../../../support/queues.js';
import { RawPeer } from '../../../support/raw-peer.js';
import { startClient, startServer } from '../../../support/server.js';

/** The answer has exactly the 2048 bytes that a client of runmaker4 reads. */
const LONG = `echo ${'x'.repeat(2048 - '60 echo '.length)}`;

function legacyClient(port: number, token: string, name: string, ...more: string[]) {
  return run('python3', [fixture('legacy-client.py'), '127.0.0.1', String(port), token, name, ...more]);
}

describe('a server with --legacy', () => {
  const count = 60;
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench(`# a comment\n${Array.from({ length: count - 1 }, (_, at) => `. job ${at + 1}\n`).join('')}. ${LONG}\n`);
  });

  it.each([[[]], [['newline']]])('grants each job once to clients of the older program, and accepts their results (%s)', async more => {
    const server = await startServer(bench, ['--legacy']);
    const clients = await Promise.all(['a', 'b', 'c'].map(name => legacyClient(server.port, server.token, name, ...more)));
    for (const { status, stderr } of clients) expect([status, stderr]).toEqual([0, '']);
    const ran = clients.flatMap(({ stdout }) => stdout.trimEnd().split('\n').filter(Boolean)).map(line => line.slice(2));
    const expected = Array.from({ length: count }, (_, at) => `${at + 1} ${at + 1 === count ? LONG : `job ${at + 1}`}`);
    expect(ran.sort()).toEqual(expected.sort());
    expect(bench.states).toBe(Array.from({ length: count }, (_, at) => ((at + 1) % 3 === 0 ? '!' : 'd')).join(''));
    expect(readFileSync(bench.path('server.err'), 'utf8')).toContain('can be read by all on the way');
  });

  it('serves clients of both kinds, each job once', async () => {
    writeFileSync(bench.runs, Array.from({ length: count }, (_, at) => `. echo job ${at + 1}\n`).join(''));
    const server = await startServer(bench, ['--legacy']);
    const ours = startClient(bench, 'ours', server.url, ['-j2']);
    const theirs = await legacyClient(server.port, server.token, 'a');
    expect(theirs.status).toBe(0);
    expect((await ours.within(30_000)).status).toBe(0);
    const ran = [...theirs.stdout.matchAll(/^a \d+ echo (.*)$/gm), ...bench.read('ours.out').matchAll(/^stdout \S+ (.*)$/gm)];
    expect(ran.map(match => match[1]).sort()).toEqual(Array.from({ length: count }, (_, at) => `job ${at + 1}`).sort());
    expect(bench.states).not.toMatch(/[.r]/);
  });

  it('takes a job back from a client that disconnects without a result', async () => {
    const server = await startServer(bench, ['--legacy']);
    const peer = await RawPeer.stranger(server.port);
    peer.say(`GET ${server.token}\n`);
    await eventually('the job was sent', () => peer.rest === '1 job 1');
    expect(bench.states[0]).toBe('r');
    peer.socket.destroy();
    await eventually('the job is new again', () => bench.states[0] === '.');
  });

  it.each([
    ['GET wrong', 'INVALID_TOKEN'],
    ['SET wrong 1 d', 'INVALID_TOKEN'],
    ['SET TOKEN 1 d', 'INVALID_CMD'],
    ['SET TOKEN 999 d', 'INVALID_CMD'],
    ['SET TOKEN 1 x', 'INVALID_CMD'],
    ['PUT TOKEN', 'INVALID_CMD'],
    ['', 'INVALID_CMD'],
    ['SET TOKEN\n 999 d', 'INVALID_CMD'],
    ['SET wrong\n 1 d', 'INVALID_TOKEN'],
  ])('answers %j with %s', async (request, answer) => {
    const server = await startServer(bench, ['--legacy']);
    const peer = await RawPeer.stranger(server.port);
    peer.say(`${request.replace('TOKEN', server.token)}\n`);
    await peer.over();
    expect([peer.lines, peer.rest]).toEqual([[], answer]);
    expect(bench.states).toBe('.'.repeat(count));
  });

  it('answers a wrong token at once, so that a client exits', async () => {
    const server = await startServer(bench, ['--legacy']);
    const began = performance.now();
    const { status, stdout } = await legacyClient(server.port, 'WRONG', 'a');
    expect([status, stdout]).toEqual([9, '']);
    expect(performance.now() - began).toBeLessThan(8000);
  });

  it('sends no client a command of which it would read, and run, only the first half', async () => {
    writeFileSync(bench.runs, `. echo ${'x'.repeat(3000)}\n. short\n`);
    const server = await startServer(bench, ['--legacy']);
    const { status, stdout } = await legacyClient(server.port, server.token, 'a');
    expect([status, stdout]).toEqual([0, 'a 2 short\n']);
    expect(bench.states).toBe('.d');
    expect(bench.read('server.err')).toContain('line 1: clients of runmaker4 read 2048 bytes');
    const ours = startClient(bench, 'ours', server.url);
    expect((await ours.within(30_000)).status).toBe(0);
    expect(bench.states).toBe('dd');
  });

  it("does not let an older client end another runner's job", async () => {
    const server = await startServer(bench, ['--legacy']);
    const queue = await openQueue(server.url, { token: server.token });
    onTestFinished(() => queue.close());
    const taken = await claim(queue);
    const peer = await RawPeer.stranger(server.port);
    peer.say(`SET ${server.token} 1 d\n`);
    await peer.over();
    expect(peer.rest).toBe('INVALID_CMD');
    expect(bench.states[0]).toBe('r');
    expect(await taken.finish({ state: '!' })).toEqual({ kind: 'recorded' });
  });

  it('assigns each result to the job that it was granted for, even if an edit has given another job its number', async () => {
    writeFileSync(bench.runs, 'd old\n. A\n. B\n');
    const server = await startServer(bench, ['--legacy']);
    const ask = async (request: string): Promise<string> => {
      const peer = await RawPeer.stranger(server.port);
      peer.say(`${request.replace('TOKEN', server.token)}\n`);
      const answer = await eventually('the server answers', () => peer.rest);
      peer.say('ACK\n');
      await peer.over();
      return answer;
    };
    expect(await ask('GET TOKEN')).toBe('2 A');
    writeFileSync(bench.runs, bench.content.replace('d old\n', ''));
    const [number, command] = (await ask('GET TOKEN')).split(' ');
    expect(command).toBe('B');
    expect(number).not.toBe('2');
    expect(await ask('SET TOKEN 2 r')).toBe('ACK');
    expect(await ask('SET TOKEN 2 !')).toBe('ACK');
    expect(bench.content).toBe('! A\nr B\n');
    expect(await ask(`SET TOKEN ${number} d`)).toBe('ACK');
    expect(bench.content).toBe('! A\nd B\n');
  });

  it('gives no job the number of one whose client may reconnect to a restarted server', async () => {
    writeFileSync(bench.runs, 'd old\nr A\n. B\n');
    const server = await startServer(bench, ['--legacy']);
    writeFileSync(bench.runs, bench.content.replace('d old\n', ''));
    const peer = await RawPeer.stranger(server.port);
    peer.say(`GET ${server.token}\n`);
    expect(await eventually('the server answers', () => peer.rest)).toMatch(/^(?!2 )\d+ B$/);
  });

  it('that is killed and restarted accepts the results of jobs that it granted before', async () => {
    const first = await startServer(bench, ['--legacy']);
    const peer = await RawPeer.stranger(first.port);
    peer.say(`GET ${first.token}\n`);
    await eventually('the job was sent', () => peer.rest !== '');
    peer.say('ACK\n');
    await peer.over();
    first.process.signal('SIGKILL');
    await first.process.end;
    const second = await startServer(bench, ['--legacy'], first.port);
    for (const answer of ['ACK', 'ACK', 'INVALID_CMD']) {
      const late = await RawPeer.stranger(second.port);
      late.say(`SET ${second.token} 1 ${answer === 'ACK' ? 'd' : '!'}\n`);
      await late.over();
      expect(late.rest).toBe(answer);
    }
    expect(bench.states[0]).toBe('d');
  });
});

describe('a server without --legacy', () => {
  it('rejects all requests of the older protocol', async () => {
    const bench = new Workbench('. a\n');
    const server = await startServer(bench);
    const peer = await RawPeer.stranger(server.port);
    peer.say(`GET ${server.token}\n`);
    await peer.over();
    expect(peer.lines).toEqual([]);
    expect(bench.states).toBe('.');
  });
});

describe('tcp+legacy://', () => {
  /** A server of runmaker4 for these commands. */
  async function theirServer(bench: Workbench, commands: readonly string[], ...more: string[]) {
    writeFileSync(bench.path('commands'), `${commands.join('\n')}\n`);
    const server = start('python3', [fixture('legacy-server.py'), bench.path('commands'), 'SECRET', ...more]);
    await eventually('the server listens', () => /^\d+\n/.test(server.stdout));
    return { url: `tcp+legacy://127.0.0.1:${Number.parseInt(server.stdout, 10)}`, said: () => server.stdout.split('\n') };
  }

  it('works for a server of runmaker4: each job once, with its result, and never blocks the server for others', async () => {
    const bench = new Workbench('');
    const numbers = Array.from({ length: 20 }, (_, at) => String(at + 1));
    const server = await theirServer(
      bench,
      numbers.map(number => `echo ${number} >> ran; [ ${number} != 7 ]`),
    );
    const ended = await Promise.all([1, 2].map(() => runmaker(['-j2', '--token', 'SECRET', server.url], { cwd: bench.folder })));
    // One of the two had the failing job.
    expect(ended.map(({ status }) => status).sort()).toEqual([0, 1]);
    expect(bench.lines('ran').sort()).toEqual(numbers.toSorted());
    const said = server.said();
    for (const number of numbers) {
      expect(said.filter(line => line === `GET ${number} ACK`)).toHaveLength(1);
      expect(said.filter(line => line.startsWith(`SET ${number} `))).toEqual([
        `SET ${number} r`,
        `SET ${number} ${number === '7' ? '!' : 'd'}`,
      ]);
    }
    expect(said).not.toContain('HELD');
  });

  it('needs no second per answer: 40 jobs are done in a moment', async () => {
    const bench = new Workbench('');
    const server = await theirServer(bench, Array(40).fill('true'));
    const began = performance.now();
    const { status, stderr } = await runmaker(['-j4', '--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, stderr]).toEqual([0, '']);
    // Less than 1 s on an idle host; with a second per answer it took 54.
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(server.said().filter(line => / d$/.test(line))).toHaveLength(40);
  });

  it.each([2000, 100_000])('runs a command of %i bytes', async length => {
    const bench = new Workbench('');
    const command = `echo x >> ran #${'x'.repeat(length)}`.slice(0, length);
    const server = await theirServer(bench, [command]);
    const { status, stderr } = await runmaker(['--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, stderr, bench.lines('ran')]).toEqual([0, '', ['x']]);
    expect(server.said()).toContain('SET 1 d');
  });

  it('skips a job that keeps failing, though the server grants it again and again, and runs the others', async () => {
    const bench = new Workbench('');
    const server = await theirServer(bench, ['echo 1 >> ran; false', 'echo 2 >> ran', 'echo 3 >> ran; false', 'echo 4 >> ran'], 'retry');
    const { status, stderr } = await runmaker(['-r', '-j2', '--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, bench.lines('ran').sort()]).toEqual([1, ['1', '2', '3', '4']]);
    expect(stderr).toContain('gives out job 1 again');
    const last = (number: number) => server.said().findLast(line => line.startsWith(`SET ${number} `));
    expect([1, 2, 3, 4].map(last)).toEqual(['SET 1 !', 'SET 2 d', 'SET 3 !', 'SET 4 d']);
  });

  it('finds the token where the server of runmaker4 keeps it, and does not use that of a runmaker-server', async () => {
    const bench = new Workbench('');
    const server = await theirServer(bench, ['echo 1 >> ran']);
    const home = bench.path('home');
    mkdirSync(home);
    writeFileSync(join(home, '.runmaker.token'), 'OTHER\n', { mode: 0o600 });
    writeFileSync(join(home, '.runmaker4.token'), 'SECRET\n', { mode: 0o600 });
    const { status, stderr } = await runmaker([server.url], { cwd: bench.folder, env: { HOME: home } });
    expect([status, stderr, bench.lines('ran')]).toEqual([0, '', ['1']]);
  });

  it.each([
    ['in good order', (socket: Socket) => socket.end()],
    ['at once', (socket: Socket) => socket.resetAndDestroy()],
  ])('does not run a command that was truncated by a closed connection (%s)', async (_, end) => {
    const bench = new Workbench('');
    const server = await LegacyAnswers.open(socket => socket.write('2 echo TRU', () => end(socket)));
    const { status, stderr, stdout } = await runmaker(['--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/in the middle of an answer|ECONNRESET/);
    expect(server.requests).toEqual(['GET SECRET']);
  });

  it('waits for the rest of a long command', async () => {
    const bench = new Workbench('');
    const server = await LegacyAnswers.open((socket, times) => {
      if (times > 0) return void socket.end('-1 ');
      socket.write(`1 echo ${'x'.repeat(1400)}`);
      setTimeout(() => socket.write(' >> ran'), 500);
    });
    expect((await runmaker(['--token', 'SECRET', server.url], { cwd: bench.folder })).status).toBe(0);
    expect(bench.lines('ran')).toEqual(['x'.repeat(1400)]);
  });

  it('names a job that may be lost when only a part of it has arrived', async () => {
    const bench = new Workbench('');
    const server = await LegacyAnswers.open((socket, times) => socket.end(['1 echo one >> ran\n', '2 echo TRU'][times] ?? '-1 '));
    const { status, stderr } = await runmaker(['--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, bench.lines('ran')]).toEqual([0, ['one']]);
    expect(stderr).toContain('only a part of job 2 has come');
  });

  it('asks again for a job whose command was truncated', async () => {
    const bench = new Workbench('');
    const answers = ['1 echo one >> ran\n', '2 echo TRU', '2 echo TRUE >> ran\n', '-1 \n'];
    const server = await LegacyAnswers.open((socket, times) => socket.end(answers[times] ?? ''));
    const { status } = await runmaker(['--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, bench.lines('ran')]).toEqual([0, ['one', 'TRUE']]);
    expect(server.requests.filter(request => request.startsWith('SET'))).toEqual(
      ['1 r', '1 d', '2 r', '2 d'].map(set => `SET SECRET ${set}`),
    );
  });

  it('continues when a result is not accepted, and reports that', async () => {
    const bench = new Workbench('');
    const answers = ['1 echo one >> ran\n', '2 echo two >> ran\n', '-1 \n'];
    const server = await LegacyAnswers.open((socket, times) => socket.end(answers[times] ?? ''), [' 1 d']);
    const { status, stderr } = await runmaker(['--token', 'SECRET', server.url], { cwd: bench.folder });
    expect([status, bench.lines('ran')]).toEqual([1, ['one', 'two']]);
    expect(stderr).toContain('the server did not take it');
    expect(server.requests.at(-2)).toBe('SET SECRET 2 d');
  });

  it('works for our own server too', async () => {
    const bench = new Workbench('. echo 1 >> ran #: cpus=1000\n. echo 2 >> ran\n');
    const server = await startServer(bench, ['--legacy']);
    const url = server.url.replace('tcp:', 'tcp+legacy:');
    expect((await runmaker(['--token', server.token, url], { cwd: bench.folder })).status).toBe(0);
    expect(bench.lines('ran')).toEqual(['1', '2']);
    expect(bench.states).toBe('dd');
  });

  it('reports a wrong token, a missing server, and requests that such a server does not support', async () => {
    const bench = new Workbench('. a\n');
    const server = await startServer(bench, ['--legacy']);
    const url = server.url.replace('tcp:', 'tcp+legacy:');
    const wrong = await runmaker(['--token', 'WRONG', url]);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('the token is not that of the server')]);
    const ours = await startServer(new Workbench('. a\n'));
    const unwilling = await runmaker(['--token', ours.token, ours.url.replace('tcp:', 'tcp+legacy:')]);
    expect([unwilling.status, unwilling.stderr]).toEqual([3, expect.stringMatching(/\n.*--legacy.*tcp:\/\//)]);
    const nobody = await runmaker(['--token', 'X', 'tcp+legacy://127.0.0.1:1']);
    expect([nobody.status, nobody.stderr]).toEqual([3, expect.stringContaining('no server listens there')]);
    const queue = await openQueue(url, { token: server.token });
    await expect(queue.counts()).rejects.toMatchObject({ code: 'usage' });
    await expect(queue.set({}, '.')).rejects.toMatchObject({ code: 'usage' });
    await expect(queue.jobs()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'usage' });
  });
});

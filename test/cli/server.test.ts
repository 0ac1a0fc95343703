import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { withoutLocks } from '../support/no-locks.js';
import {
  fixture,
  HOST,
  isAlive,
  programWords,
  run,
  runmaker,
  runset,
  runwait,
  type StartOptions,
  start,
  startProgram,
} from '../support/programs.js';
import { startClient, startServer } from '../support/server.js';

const TOKEN = 'a-token-of-twenty-two';

/** With its own home folder, so that no token of the user is found. */
function athome(bench: Workbench): StartOptions {
  return { cwd: bench.folder, env: { HOME: bench.folder, RUNMAKER_TOKEN: undefined } };
}

describe('runmaker-server', () => {
  it('prints its token, and keeps it in a file for its owner only, which it removes when it exits', async () => {
    const bench = new Workbench('. echo hello\n');
    const server = startProgram('runmaker-server', ['-p', '0', '--host', '127.0.0.1', 'runs.txt'], athome(bench));
    await server.says('serving runs.txt on 127.0.0.1:');
    const file = bench.path('.runmaker.token');
    const token = readFileSync(file, 'utf8').trim();
    expect(token).toMatch(/^[0-9A-Z]{26}$/);
    expect(server.stdout).toContain(`Token for runmaker-client: ${token} (written to ${file})\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    server.signal('SIGTERM');
    expect((await server.ended).status).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it('continues to serve when neither its output nor its log is read', async () => {
    const bench = new Workbench('. true\n. true\n');
    const token = ['--token', 'a-token-of-twenty-two'];
    const words = [...programWords('runmaker-server'), ...token, '--host=unix:socket', '--pidfile=pid', '-v', 'runs.txt'].join(' ');
    const shell = start('sh', ['-c', `(sleep 0.3; ${words}; echo $? > status) 2>&1 | true`], athome(bench));
    const pid = Number((await bench.has('pid'))[0]);
    onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
    expect((await runmaker([...token, '--patience=2s', `unix:${bench.path('socket')}`])).status).toBe(0);
    expect(bench.states).toBe('dd');
    process.kill(pid, 'SIGTERM');
    await shell.ended;
    expect(bench.read('status')).toBe('0\n');
  });

  it('exits when it is told to, whatever clients are connected, and says how to find their jobs again', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const { url, process } = await startServer(bench);
    const client = startClient(bench, 'client', url, ['--patience', '300ms']);
    await bench.has('pids');
    process.signal('SIGTERM');
    expect(await process.within(10_000)).toEqual({ status: 0, signal: null });
    expect(bench.read('server.err')).toMatch(/1 job of a client goes on; it is recovered .* same token/);
    writeFileSync(bench.path('go'), '');
    expect((await client.within(30_000)).status).toBe(3);
    expect(bench.states).toBe('r.');
  });

  it('serves runmaker, runmaker-client, runset and runwait, while other programs work on the file', async () => {
    const bench = new Workbench('. echo one\n. echo two\n');
    const { url, token, port } = await startServer(bench);
    const access = ['--token', token];
    expect((await runset([...access, '--add', 'echo three', url])).status).toBe(0);
    expect((await runset([...access, '--list', url])).stdout).toBe('1: . - echo one\n2: . - echo two\n3: . - echo three\n');
    const client = await run(...programOf('runmaker-client', [...access, '-1', `127.0.0.1:${port}`]), { cwd: bench.folder });
    expect([client.status, client.stdout]).toEqual([0, expect.stringMatching(/stdout \(.*\): one/)]);
    expect((await runmaker(['-1', bench.runs])).status).toBe(0);
    const last = startProgram('runmaker', [...access, url]);
    expect((await runwait([...access, '-e', url])).status).toBe(0);
    expect((await last.ended).stdout).toContain('three');
    expect(bench.states).toBe('ddd');
    expect(JSON.parse((await runset([...access, '--stats', '--json', url])).stdout)).toMatchObject({ done: 3, total: 3 });
  });

  it('is found by name, whatever the case of the scheme', async () => {
    const bench = new Workbench('. a\n');
    const { url, token } = await startServer(bench);
    expect((await runset(['--token', token, '--list', url.replace('tcp', 'TCP')])).stdout).toBe('1: . - a\n');
  });

  it('is found with a token from the option, a file, the environment, or the file in the home folder', async () => {
    const bench = new Workbench('. a\n');
    const { url, token } = await startServer(bench);
    writeFileSync(bench.path('other'), `${token}\n`);
    const list = (args: readonly string[], env: Record<string, string> = {}) =>
      runset([...args, '--list', url], { ...athome(bench), env: { ...athome(bench).env, ...env } });
    expect((await list([])).status).toBe(2);
    expect((await list(['--token', token])).status).toBe(0);
    expect((await list(['--tokenfile', 'other'])).status).toBe(0);
    expect((await list([], { RUNMAKER_TOKEN: token })).status).toBe(0);
    writeFileSync(bench.path('.runmaker.token'), token);
    expect((await list([])).status).toBe(0);
  });

  it('does not print a token that it was given', async () => {
    const bench = new Workbench('. a\n');
    const args = ['-p', '0', '--host', '127.0.0.1', 'runs.txt'];
    for (const [given, more] of [
      [{ RUNMAKER_TOKEN: TOKEN }, []],
      [{}, ['--token', TOKEN]],
      [{}, ['--token', TOKEN, '-t', 'file']],
    ] as const) {
      const server = startProgram('runmaker-server', [...more, ...args], {
        cwd: bench.folder,
        env: { HOME: bench.folder, RUNMAKER_TOKEN: undefined, ...given },
      });
      await server.says('serving runs.txt on');
      server.signal('SIGTERM');
      const { status, stdout, stderr } = await server.ended;
      expect([status, `${stdout}${stderr}`]).toEqual([0, expect.not.stringContaining(TOKEN)]);
      expect(stdout).toContain('Token for runmaker-client: the one that was given');
    }
  });

  it.skipIf(process.getuid?.() !== 0)('accepts no token from a file of another user, and neither do its clients', async () => {
    const bench = new Workbench('. a\n');
    writeFileSync(bench.path('foreign'), `${TOKEN}\n`, { mode: 0o600 });
    chownSync(bench.path('foreign'), 12_345, 12_345);
    const server = await startProgram('runmaker-server', ['-p', '0', '-t', 'foreign', 'runs.txt'], athome(bench)).ended;
    const client = await runset(['--tokenfile', 'foreign', '--list', 'tcp://127.0.0.1:1'], athome(bench));
    renameSync(bench.path('foreign'), bench.path('.runmaker.token'));
    const athomeClient = await runset(['--list', 'tcp://127.0.0.1:1'], athome(bench));
    for (const { status, stderr } of [server, client, athomeClient]) {
      expect([status, stderr]).toEqual([2, expect.stringContaining('belongs to another user (12345)')]);
    }
  });

  it('keeps a token file that it did not create, whether of another server or its user', async () => {
    const bench = new Workbench('. a\n');
    const args = ['-p', '0', '--host', '127.0.0.1', 'runs.txt'];
    const maker = startProgram('runmaker-server', args, athome(bench));
    await maker.says('serving runs.txt on');
    const token = bench.read('.runmaker.token');
    const finder = startProgram('runmaker-server', args, athome(bench));
    await finder.says('serving runs.txt on');
    expect(finder.stdout).toContain(`${token.trim()} (found in `);
    finder.signal('SIGTERM');
    expect((await finder.ended).status).toBe(0);
    expect(bench.read('.runmaker.token')).toBe(token);
    maker.signal('SIGTERM');
    expect((await maker.ended).status).toBe(0);
    expect(existsSync(bench.path('.runmaker.token'))).toBe(false);
  });

  it('gives jobs the address of the queue, without the token', async () => {
    const bench = new Workbench('. echo $RUNMAKER_QUEUE $RUNMAKER_JOB > told; env > environment\n');
    const { url } = await startServer(bench);
    expect((await startClient(bench, 'client', url).within(30_000)).status).toBe(0);
    expect(bench.read('told')).toBe(`${url} 1\n`);
    expect(bench.read('environment')).not.toContain(bench.read('token').trim());
  });

  it('logs events: few, all, or only errors', async () => {
    for (const [level, expected] of [
      [[], { come: true, claimed: false }],
      [['-v'], { come: true, claimed: true }],
      [['-q'], { come: false, claimed: false }],
    ] as const) {
      const bench = new Workbench('. printf "\\033[31m" #\n');
      const { url, process } = await startServer(bench, ['-l', 'log', ...level]);
      expect((await startClient(bench, 'client', url).within(30_000)).status).toBe(0);
      process.signal('SIGTERM');
      await process.end;
      const log = bench.read('log');
      expect(log.includes(`${HOST} (127.0.0.1) has come`)).toBe(expected.come);
      expect(log.includes('has claimed line 1: printf')).toBe(expected.claimed);
      expect(bench.read('server.err')).toBe('');
    }
  });

  it('keeps control characters of commands and peers out of its log', async () => {
    const bench = new Workbench('. : \x1b[31m red\n');
    const { url } = await startServer(bench, ['-v']);
    expect((await startClient(bench, 'client', url).within(30_000)).status).toBe(0);
    expect(bench.read('server.err')).toContain('claimed line 1: : \\x1b[31m red');
  });

  it('warns of a file that all users may write; its clients, on other hosts, do not', async () => {
    const bench = new Workbench('. true\n');
    chmodSync(bench.runs, 0o666);
    const { url } = await startServer(bench);
    expect((await startClient(bench, 'client', url).within(30_000)).status).toBe(0);
    expect(bench.read('server.err')).toMatch(/can be written by everybody.*--trust-any/);
    expect(bench.read('client.err')).toBe('');
  });

  it('with --retry grants failed jobs and errors, each at most once', async () => {
    const bench = new Workbench('! echo 1 >> ran; false\ne echo 2 >> ran\n');
    const { url } = await startServer(bench, ['--retry']);
    expect((await startClient(bench, 'client', url).within(30_000)).status).toBe(1);
    expect(bench.lines('ran')).toEqual(['1', '2']);
    expect(bench.states).toBe('!d');
  });

  it('accepts no more clients than its limit', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const { url } = await startServer(bench, ['--max-clients', '1']);
    const first = startClient(bench, 'first', url);
    await bench.has('pids');
    expect((await startClient(bench, 'second', url).within(30_000)).status).toBe(3);
    expect(bench.read('second.err')).toMatch(/has 1 client already\n.*--max-clients/);
    writeFileSync(bench.path('go'), '');
    expect((await first.within(30_000)).status).toBe(0);
    expect((await startClient(bench, 'third', url).within(30_000)).status).not.toBe(3);
  });

  it('also listens on IPv6', async () => {
    const bench = new Workbench('. echo a\n');
    const server = startProgram('runmaker-server', ['--host', '::1', '-p', '0', '--token', 'A'.repeat(20), bench.runs]);
    await server.says('on [::1]:');
    const port = /\[::1\]:(\d+)/.exec(server.stdout)?.[1];
    expect((await runset(['--token', 'A'.repeat(20), '--list', `tcp://[::1]:${port}`])).stdout).toBe('1: . - echo a\n');
  });

  it('listens on a Unix socket for its owner only, and replaces that of a killed server', async () => {
    const bench = new Workbench('. echo a\n');
    const begin = async (): Promise<ReturnType<typeof startProgram>> => {
      const server = startProgram('runmaker-server', ['--host', 'unix:socket', bench.runs], athome(bench));
      await server.says('on unix:socket');
      return server;
    };
    const first = await begin();
    expect(statSync(bench.path('socket')).mode & 0o777).toBe(0o600);
    expect((await runset(['--list', 'unix:socket'], athome(bench))).stdout).toBe('1: . - echo a\n');
    const refused = await startProgram('runmaker-server', ['--host', 'unix:socket', bench.runs], athome(bench)).ended;
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('is taken')]);
    // The token is that of the running server.
    expect((await runset(['--list', 'unix:socket'], athome(bench))).status).toBe(0);
    first.signal('SIGKILL');
    await first.ended;
    await begin();
    expect((await runset(['--list', `unix:${bench.path('socket')}`], athome(bench))).stdout).toBe('1: . - echo a\n');
  });
});

describe('runmaker-server --host unix:', () => {
  it.each(['runs.txt', 'folder', 'link'])('refuses to replace a file that is not a socket: %s', async name => {
    const bench = new Workbench('. echo a\n');
    mkdirSync(bench.path('folder'));
    symlinkSync('runs.txt', bench.path('link'));
    const ended = await startProgram('runmaker-server', ['--host', `unix:${name}`, 'runs.txt'], athome(bench)).ended;
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringMatching(new RegExp(`unix:${name} is not a socket\n.*--host`))]);
    expect(bench.content).toBe('. echo a\n');
    expect(readdirSync(bench.folder).sort()).toEqual(['folder', 'link', 'runs.txt']);
  });
});

describe('a path that no socket can have', () => {
  it.each([[[]], [['-d']]])('is rejected when it is too long, before anything is created (%s)', async daemon => {
    const bench = new Workbench('. echo a\n');
    const long = `unix:${'ä'.repeat(54)}`;
    const message = expect.stringMatching(/may have 107 bytes, and this one has \d+\n.*shorter/);
    const server = await startProgram('runmaker-server', [...daemon, '--host', long, 'runs.txt'], athome(bench)).ended;
    expect([server.status, server.stderr]).toEqual([2, message]);
    const client = await runmaker(['--token', 'X', long], athome(bench));
    expect([client.status, client.stderr]).toEqual([2, message]);
    expect(readdirSync(bench.folder)).toEqual(['runs.txt']);
  });

  it('may have up to 107 bytes', async () => {
    const bench = new Workbench('. echo a\n');
    const server = startProgram('runmaker-server', ['--host', `unix:${'x'.repeat(107)}`, 'runs.txt'], athome(bench));
    await server.says('serving');
    expect((await runset(['--list', `unix:${'x'.repeat(107)}`], athome(bench))).stdout).toBe('1: . - echo a\n');
  });

  it.each([
    ['missing/socket', 'no such directory'],
    ['runs.txt/socket', 'no such directory'],
    ['runs.txt/folder/socket', 'no such directory'],
    ['closed/socket', 'permission denied'],
  ])('is rejected: %s', async (path, message) => {
    const bench = new Workbench('. echo a\n');
    mkdirSync(bench.path('closed'), { mode: 0o500 });
    const options = { ...athome(bench), unprivileged: true };
    const ended = await startProgram('runmaker-server', ['--host', `unix:${path}`, 'runs.txt'], options).ended;
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringMatching(new RegExp(`unix:${path}: ${message}\n.*--host`))]);
    expect(ended.stderr).not.toContain('port');
  });
});

describe('runmaker-server --daemon', () => {
  it('returns once it serves clients, and leaves a process detached from its caller', async () => {
    const bench = new Workbench('. echo a\n');
    const args = ['-d', '-p', '0', '--host', '127.0.0.1', '--pidfile', 'pid', '-l', 'log', 'runs.txt'];
    const ended = await startProgram('runmaker-server', args, athome(bench)).ended;
    const pid = Number(bench.read('pid'));
    onTestFinished(() => {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    expect([ended.status, ended.stderr]).toEqual([0, '']);
    const [, url] = /serving \/.*runs\.txt on (127\.0\.0\.1:\d+)/.exec(ended.stdout) ?? [];
    expect((await runset(['--list', `tcp://${url}`], athome(bench))).stdout).toBe('1: . - echo a\n');
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    for (const fd of [0, 1, 2]) expect(readlinkSync(`/proc/${pid}/fd/${fd}`)).toBe('/dev/null');
    const [, , , , group, session, terminal] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/\(.*\)/s, 'x')
      .split(' ')
      .map(Number);
    expect([group, session, terminal]).toEqual([pid, pid, 0]);
    const second = await startProgram('runmaker-server', args, athome(bench)).ended;
    expect([second.status, second.stderr]).toEqual([2, expect.stringContaining(`names process ${pid}`)]);
    process.kill(pid, 'SIGHUP');
    process.kill(pid, 'SIGTERM');
    await eventually('it has ended', () => !isAlive(pid));
    expect(existsSync(bench.path('pid'))).toBe(false);
    expect(existsSync(bench.path('.runmaker.token'))).toBe(false);
    expect(bench.read('log')).toContain('has come');
  });

  it('reports errors as a server in the foreground does', async () => {
    const bench = new Workbench('. a\n');
    const ended = await startProgram('runmaker-server', ['-d', '-p', '0', 'missing.txt'], athome(bench)).ended;
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringMatching(/missing\.txt: no such file\n.*create it/)]);
  });
});

describe('a file that runmaker-server cannot write', () => {
  it.each([
    [['-l', 'missing/log'], /missing\/log: no such file or directory \(ENOENT\)\ncreate the folder .*missing first/],
    [['-d', '-l', 'missing/log'], /missing\/log: no such file or directory \(ENOENT\)\ncreate the folder .*missing first/],
    [['-l', '.'], /: illegal operation on a directory \(EISDIR\)/],
    [['--pidfile', 'missing/pid'], /missing\/pid: no such file or directory \(ENOENT\)\ncreate the folder .*missing first/],
    [['-t', 'missing/token'], /missing\/token: no such file or directory \(ENOENT\)\n/],
  ])('keeps it from starting: %s', async (args, message) => {
    const bench = new Workbench('. a\n');
    const ended = await startProgram('runmaker-server', [...args, '-p', '0', '--host', '127.0.0.1', 'runs.txt'], athome(bench)).ended;
    expect([ended.status, ended.stdout, ended.stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(readdirSync(bench.folder)).toEqual(['runs.txt']);
  });

  it('may be a pipe without a reader, which does not block it', async () => {
    const bench = new Workbench('. a\n');
    await run('mkfifo', [bench.path('log')]);
    const server = startProgram('runmaker-server', ['-l', 'log', '--host', 'unix:socket', 'runs.txt'], athome(bench));
    await eventually('the server has given up', () => server.child.exitCode !== null, 10_000);
    const { status, stderr } = await server.ended;
    expect([status, stderr]).toEqual([2, expect.stringMatching(/log: .*\(ENXIO\)\n.*start its reader first\n$/)]);
  });
});

it('runmaker-server --help names each default once', async () => {
  const { stdout } = await startProgram('runmaker-server', ['--help']).ended;
  expect(stdout).toMatch(/keeps its jobs\s+\(default:\s+60s\)\n/);
  expect(stdout).not.toMatch(/\(default: [^)]*\)\s+\(default/);
});

describe('a fatal error is reported with a remedy and an exit status', () => {
  it.each([
    ['a port that is taken', 2, /127\.0\.0\.1:\d+ is taken/, /--port/],
    ['an address of another host', 2, /192\.0\.2\.1:0 is not an address of this host/, /--host/],
    ['a file that is not there', 2, /no such file/, /create it/],
    ['two files', 2, /too many arguments/, undefined],
    ['-v and -q', 2, /contradict/, undefined],
    ['a URL', 2, /a server serves a file/, /runs file/],
    ['a driver that cannot tell orphans, with --reclaim', 3, /cannot tell orphans/, /--set/],
    ['--legacy and --reclaim', 2, /contradict/, /runset --set/],
    ['a port that is none', 2, /ports go up to 65535/, undefined],
  ])('runmaker-server: %s', async (what, status, message, hint) => {
    const bench = new Workbench('. a\n');
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => taken.once('listening', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const args: Record<string, string[]> = {
      'a port that is taken': ['-p', String(port), bench.runs],
      'an address of another host': ['--host', '192.0.2.1', '-p', '0', bench.runs],
      'a file that is not there': ['-p', '0', 'missing'],
      'two files': ['-p', '0', bench.runs, bench.runs],
      '-v and -q': ['-p', '0', '-v', '-q', bench.runs],
      'a URL': ['tcp://alice'],
      'a driver that cannot tell orphans, with --reclaim': ['-p', '0', '--locks', 'directory', '--reclaim', bench.runs],
      '--legacy and --reclaim': ['-p', '0', '--legacy', '--reclaim', bench.runs],
      'a port that is none': ['-p', '70000', bench.runs],
    };
    const host = what === 'an address of another host' ? [] : ['--host', '127.0.0.1'];
    const ended = await startProgram('runmaker-server', [...host, ...(args[what] as string[])], athome(bench)).ended;
    expect(ended.stderr).toMatch(message);
    if (hint) expect(ended.stderr).toMatch(hint);
    expect(ended.status).toBe(status);
    // Nothing is left behind that the next one would mistake for its own.
    expect(existsSync(bench.path('.runmaker.token'))).toBe(false);
  });

  it.each([
    ['is empty', '', /token is empty: there is no token in it\nremove it, for a new one: rm /],
    ['holds blanks', 'two words\n', /token holds something else than a token: .* without blanks\nremove it/],
    ['holds two lines', 'ABCDEFGHIJKLMNOPQRST\nABCDEFGHIJKLMNOPQRST\n', /token holds something else than a token: .*\nremove it/],
    ['is a link to nothing', undefined, /token is a symbolic link to a file that is not there\nremove the link/],
  ])('runmaker-server: a token file that %s', async (_, content, message) => {
    const bench = new Workbench('. a\n');
    const file = bench.path('token');
    if (content === undefined) symlinkSync(bench.path('missing'), file);
    else writeFileSync(file, content, { mode: 0o600 });
    const args = ['-p', '0', '--host', '127.0.0.1', '-t', 'token', bench.runs];
    const ended = await startProgram('runmaker-server', args, athome(bench)).ended;
    expect([ended.status, ended.stdout, ended.stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(existsSync(bench.path('missing'))).toBe(false);
    if (content !== undefined) expect(bench.read('token')).toBe(content);
  });

  it('runmaker-server: a file that cannot be locked', async () => {
    const bench = new Workbench('. a\n');
    const options = athome(bench);
    const args = ['-p', '0', '--host', '127.0.0.1', bench.runs];
    const ended = await startProgram('runmaker-server', args, { ...options, env: { ...options.env, ...withoutLocks('ENOLCK') } }).ended;
    expect([ended.status, ended.stderr]).toEqual([3, expect.stringMatching(/gives no fcntl locks.*\n.*--locks directory/)]);
    expect(existsSync(bench.path('.runmaker.token'))).toBe(false);
  });

  it('runmaker: a wrong token, no token, an unknown host, a port without a listener, a server of another kind', {
    tags: ['slow'],
  }, async () => {
    const bench = new Workbench('. a\n');
    const { url } = await startServer(bench);
    const other = createServer(socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await new Promise(resolve => other.once('listening', resolve));
    onTestFinished(() => void other.close());
    writeFileSync(bench.path('empty'), '');
    const strange = `tcp://127.0.0.1:${(other.address() as { port: number }).port}`;
    const mistakes = [
      [['--token', 'WRONG', url], 2, /the token is not that of the server\n.*--token/],
      [[url], 2, /a token is wanted\n.*--token/],
      [['--token', 'X', 'tcp://no-such-host.invalid'], 3, /no such host/],
      [['--token', 'X', 'unix:/missing/socket'], 3, /no such socket\n.*path/],
      [['--token', 'X', 'tcp://127.0.0.1:1'], 3, /no server listens there\n.*runmaker-server/],
      [['--token', 'X', strange], 3, /is not a runmaker-server/],
      [['--token', 'X', 'tcp://'], 2, /does not name a server/],
      [['ftp://alice'], 2, /not known/],
      [['--token', 'X', bench.runs], 2, /--token goes with the queue of a server/],
      [['--token', 'X', '--locks', 'file', url], 2, /--locks goes with files/],
      [['--tokenfile', 'missing', url], 2, /missing: no such file\n.*server/],
      [['--tokenfile', bench.path('empty'), url], 2, /holds no token/],
      [['127.0.0.1:9998'], 2, /127\.0\.0\.1:9998 is no file\n.*tcp:\/\/127\.0\.0\.1:9998/],
      [['tcp:alice'], 2, /tcp:alice is no file\n.*tcp:\/\/alice/],
    ] as const;
    const ends = await Promise.all(mistakes.map(([args]) => runmaker(args, athome(bench))));
    for (const [at, [, status, message]] of mistakes.entries()) {
      expect(ends[at]?.stderr).toMatch(message);
      expect(ends[at]?.status).toBe(status);
    }
    expect(bench.states).toBe('.');
  });

  it('runmaker: a server with a certificate instead of the token, even if the environment accepts all certificates', async () => {
    const pem = readFileSync(fixture('stranger.pem'));
    const stranger = createTlsServer({ key: pem, cert: pem }, socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    onTestFinished(() => void stranger.close());
    const url = `tcp://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
    for (const lax of [undefined, '0']) {
      const { status, stderr } = await runmaker(['--token', 'X', url], { env: { NODE_TLS_REJECT_UNAUTHORIZED: lax } });
      expect(stderr).toMatch(/shows a certificate instead of proving that it knows the token/);
      expect(status).toBe(3);
    }
  });

  it('runmaker: a server that goes away while jobs run, for longer than the patience', async () => {
    const bench = new Workbench('. echo on > started; sleep 1; touch ran\n. true\n');
    const { url, process } = await startServer(bench);
    const client = startClient(bench, 'client', url, ['--patience', '500ms']);
    // The line's state is not enough: the client may not have received the claim by then.
    await bench.has('started');
    process.signal('SIGKILL');
    expect((await client.within(30_000)).status).toBe(3);
    // The job was not stopped; only its result could not be delivered.
    expect(existsSync(bench.path('ran'))).toBe(true);
    expect(bench.read('client.err')).toMatch(/no server listens there|ended the connection|ECONNRESET/);
  });
});

function programOf(name: 'runmaker-client', args: readonly string[]): [string, string[]] {
  return [process.execPath, [new URL(`../../bin/${name}.js`, import.meta.url).pathname, ...args]];
}

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ownCache, repository } from '../support/git.js';
import { fixture, programWords, run, runmaker, runset, runwait } from '../support/programs.js';
import { fakePython, linesOf } from '../support/runners.js';

const LIMIT = { timeout: 120_000 };

beforeEach(() => {
  ownCache();
});

describe('the programs over git', LIMIT, () => {
  it('add, run, wait and list', async () => {
    const made = repository({ 'runs.txt': '. echo one\n' });
    expect(await runset(['--add', 'exit 3', made.name()])).toMatchObject({ status: 0 });
    const ran = await runmaker(['-j2', made.name()]);
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/^runmaker: .*: 1 job failed\nsee .*\n$/) });
    expect(ran.stdout).toMatch(/stdout \(\w+,\d+\): one\n/);
    expect(await runwait(['--progress', '-e', made.name()])).toMatchObject({ status: 1, stdout: expect.stringContaining('2 of   2 jobs') });
    expect((await runset(['--list', made.name()])).stdout).toBe('1: d - echo one\n2: ! - exit 3\n');
  });

  it('process a queue.csv as gitrunner does, with its variables', async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status\n' });
    const { path, log } = fakePython(made.folder);
    expect(await runset(['--add', 'dummy.py 1 --cheese="on,toast"', made.name('queue.csv')])).toMatchObject({ status: 0 });
    expect((await runset(['--list', '--state', '.', made.name('queue.csv')])).stdout).toBe('2: . - python dummy.py 1 --cheese=on,toast\n');
    const env = { PATH: path, SLEEP_TIME: '0.1', MAX_ATTEMPTS: '2', MAX_JOB_ATTEMPTS: '2', RESULTS_DIR: 'results', GIT_USER_NAME: 'Robin' };
    expect(await runmaker([made.name('queue.csv')], { env })).toMatchObject({ status: 0, stderr: '' });
    expect(linesOf(log)).toEqual(['dummy.py 1 --cheese=on,toast']);
    expect(made.git(made.bare, 'log', '-1', '--format=%an', 'main')).toBe('Robin\n');
  });

  it('keep ssh from prompting, on a terminal too', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    made.git(made.bare, 'config', 'uploadpack.allowFilter', 'true');
    const ssh = join(made.folder, 'ssh');
    const asked = join(made.folder, 'asked');
    writeFileSync(
      ssh,
      `#!/bin/sh
for last; do :; done
(: < /dev/tty) 2> /dev/null && echo tty >> ${asked}
[ "$SSH_ASKPASS_REQUIRE" = never ] || echo askpass >> ${asked}
exec sh -c "$last"
`,
      { mode: 0o755 },
    );
    const list = [...programWords('runset'), '--list', `git+ssh://git@host${made.bare}#runs.txt`];
    expect(await run('python3', [fixture('terminal.py'), ...list], { env: { GIT_SSH_COMMAND: ssh } })).toMatchObject({
      status: 0,
      stdout: '1: . - a\r\n',
    });
    expect(existsSync(asked)).toBe(false);
  });

  it('exit after the given number of looks without work', async () => {
    const made = repository({ 'runs.txt': 'd a\n' });
    const began = performance.now();
    expect(await runmaker(['--max-idle', '3', '--sleep', '400ms', made.name()])).toMatchObject({ status: 0 });
    expect(performance.now() - began).toBeGreaterThan(800);
  });

  it('report a given line that is not a job', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const { status, stdout, stderr } = await runset(['--list', made.name(), '99']);
    expect([status, stdout, stderr]).toEqual([2, '', `runset: none of the lines named is a job of ${made.name()}\n`]);
  });

  it('tell failures apart by exit status', async () => {
    const made = repository({ 'runs.txt': '. a\n', 'bad.csv': 'script,args,kwargs,status\na,"[,{},ready\n' });
    const ends = async (...args: string[]): Promise<string> => {
      const { status, stderr } = await runmaker(args);
      return `${status} ${stderr.split('\n')[0]}`;
    };
    expect(await ends(`${made.name()}x`)).toMatch(/^2 runmaker: file:.* there is no runs\.txtx on the branch main$/);
    expect(await ends(made.name('bad.csv'))).toMatch(/^2 runmaker: line 2, column 1: the row is not well-formed CSV/);
    expect(await ends('git+file:///nowhere.git#runs.txt')).toMatch(/^2 .*no such repository/);
    expect(await ends('git+ssh://')).toMatch(/^2 .*does not name a queue over git/);
    expect(await ends('git+foo://host/q.git')).toMatch(/^2 .*"foo" is no way to a remote$/);
    expect((await runmaker(['git@host:team/q.git'])).stderr).toContain('write git+ssh://git@host/team/q.git#runs.txt');
    expect(await ends('git+http://127.0.0.1:9/q.git#runs.txt')).toMatch(/^3 .*cannot be reached/);
    expect(await ends('--lease', '1m', join(made.clone, 'runs.txt'))).toMatch(/^2 .*--lease goes with queues over git/);
    expect(await ends('--locks', 'file', made.name())).toMatch(/^2 .*--locks goes with files/);
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(join(made.bare, 'hooks'), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\necho "GH006: Protected branch" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    expect(await ends(made.name())).toMatch(/^3 .*refuses changes to the branch: .*GH006: Protected branch/);
    expect(made.read()).toBe('. a\n');
  });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { locateRemote } from '../../../src/queue/git/locate-remote.js';
import { openQueue } from '../../../src/queue/open.js';
import { queueJobs } from '../../../src/queue/worker.js';
import { openGit, ownCache, type Repository, repository } from '../../support/git.js';
import { workerIn } from '../../support/git-worker.js';
import { claim } from '../../support/queues.js';

const LIMIT = { timeout: 60_000 };
const LARGE = 'x'.repeat(300_000);

let cache: string;

beforeEach(() => {
  cache = ownCache();
});

/** Makes git use a script for ssh: it runs remote commands here, or prints what it is given. */
function sshRuns(made: Repository, script = 'for last; do :; done; exec sh -c "$last"'): void {
  const path = join(made.folder, 'ssh');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  process.env.GIT_SSH_COMMAND = path;
  onTestFinished(() => {
    delete process.env.GIT_SSH_COMMAND;
  });
}

/** Makes git, like every process started here, see variables until the test has ended. */
function withVariables(variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables);
  onTestFinished(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

function nameOf(made: Repository): string {
  return `git+ssh://git@host${made.bare}#runs.txt`;
}

/** The total size of all objects in our clone. */
function sizeOfClone(): number {
  const folder = join(cache, 'runmaker/git', readdirSync(join(cache, 'runmaker/git'))[0] as string);
  const clone = join(folder, readdirSync(folder)[0] as string);
  const counted = execFileSync('git', ['count-objects', '-v'], { cwd: clone, encoding: 'utf8' });
  return [...counted.matchAll(/^size(?:-pack)?: (\d+)$/gm)].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}

/** Incompressible data. */
function noise(): string {
  return Array.from(LARGE, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('');
}

describe('a remote over ssh', LIMIT, () => {
  it('is used without fetching the contents of its other files', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n', 'results/large': noise() });
    made.git(made.bare, 'config', 'uploadpack.allowFilter', 'true');
    sshRuns(made);
    const queue = await openGit(nameOf(made));
    const taken = await claim(queue);
    made.edit('more', 'results/large', noise);
    await taken.finish({ state: 'd' });
    expect(made.read()).toBe('d a\n. b\n');
    expect(sizeOfClone()).toBeLessThan(LARGE.length / 2);
  });

  it('that cannot filter files is fetched completely', async () => {
    const made = repository({ 'runs.txt': '. a\n', 'results/large': noise() });
    sshRuns(made);
    await (await claim(await openGit(nameOf(made)))).finish({ state: 'd' });
    expect(made.read()).toBe('d a\n');
    expect(sizeOfClone()).toBeGreaterThan(LARGE.length / 2);
  });

  it("provides a job's checkout, including files that were omitted before", async () => {
    const made = repository({ 'runs.txt': '. a\n', 'data/large': noise() });
    made.git(made.bare, 'config', 'uploadpack.allowFilter', 'true');
    sshRuns(made);
    const taken = await claim(await openGit(nameOf(made), { resultsDir: 'out' }));
    expect(execFileSync('cat', [join(taken.directory as string, 'data/large')], { encoding: 'utf8' })).toBe(made.read('data/large'));
    writeFileSync(join(taken.directory as string, 'out/new'), 'x');
    await taken.finish({ state: 'd' });
    expect(made.read('out/new')).toBe('x');
  });

  it.each([
    ['echo "git@host: Permission denied (publickey)." >&2; exit 255', 'queue', 'the remote refused the credentials'],
    ['echo "ssh: connect to host host port 22: Connection refused" >&2; exit 255', 'queue', 'the remote cannot be reached'],
    [
      'echo "No ED25519 host key is known for host and you have requested strict checking." >&2; echo "Host key verification failed." >&2; exit 255',
      'queue',
      'the remote does not prove to be who it should be: No ED25519 host key is known',
    ],
    [
      'echo "ssh: Could not resolve hostname host: Name or service not known" >&2; exit 255',
      'queue',
      'the remote cannot be reached: ssh: Could not resolve hostname host',
    ],
    ['echo "ERROR: Repository not found." >&2; exit 1', 'input', 'there is no such repository'],
  ])('that refuses is reported with the reason: %s', async (script, code, message) => {
    const made = repository({ 'runs.txt': '. a\n' });
    sshRuns(made, script);
    await expect(openQueue(nameOf(made))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('the remote of a clone', LIMIT, () => {
  /** An ssh that accepts no connection. */
  const READS_ONLY =
    'for last; do :; done; case $last in git-receive-pack*) echo "ERROR: only for reading" >&2; exit 1;; esac; exec sh -c "$last"';

  function cloneBySsh(script = READS_ONLY): { made: Repository; ssh: string; name: string } {
    const made = repository({ 'runs.txt': '. a\n' });
    const ssh = join(made.folder, 'its-ssh');
    writeFileSync(ssh, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    made.git(made.clone, 'remote', 'set-url', 'origin', `ssh://host${made.bare}`);
    return { made, ssh, name: `git:${made.clone}#runs.txt` };
  }

  it('is pushed to where the clone pushes to', async () => {
    const { made, ssh, name } = cloneBySsh();
    made.git(made.clone, 'config', 'core.sshCommand', ssh);
    made.git(made.clone, 'config', 'remote.origin.pushurl', '../queue.git');
    await (await claim(await openGit(name))).finish({ state: 'd' });
    expect(made.read()).toBe('d a\n');
  });

  it('is reached with the files that the clone’s configuration includes, its own and the user’s', async () => {
    const { made, ssh, name } = cloneBySsh(READS_ONLY.replace('receive', 'no'));
    writeFileSync(join(made.folder, 'included'), `[core]\n\tsshCommand = ${ssh}\n`);
    made.git(made.clone, 'config', 'include.path', join(made.folder, 'included'));
    await (await claim(await openGit(name))).finish({ state: 'd' });
    made.git(made.clone, 'config', '--unset', 'include.path');
    writeFileSync(join(made.folder, 'users'), `[includeIf "gitdir:${made.clone}/"]\n\tpath = included\n`);
    withVariables({ GIT_CONFIG_GLOBAL: join(made.folder, 'users') });
    await (await openGit(name)).append([Buffer.from('b')]);
    expect(made.read()).toBe('d a\n. b\n');
  });

  it("is reached with git's environment variables, though the clone has settings of its own", async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    made.git(made.clone, 'remote', 'set-url', 'origin', 'team:queue.git');
    made.git(made.clone, 'config', 'http.proxy', 'http://nowhere');
    withVariables({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `url.file://${made.folder}/.insteadOf`, GIT_CONFIG_VALUE_0: 'team:' });
    await (await claim(await openGit(`git:${made.clone}#runs.txt`))).finish({ state: 'd' });
    expect(made.read()).toBe('d a\n');
  });

  it('is found where an alias replaces the beginning of its URL', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    made.git(made.clone, 'config', `url.file://${made.folder}/queue.insteadOf`, `file://${made.folder}/`);
    made.git(made.clone, 'remote', 'set-url', 'origin', `file://${made.folder}/.git`);
    await (await claim(await openGit(`git:${made.clone}#runs.txt`))).finish({ state: 'd' });
    expect(made.read()).toBe('d a\n');
  });

  it('is not queried again with settings that hold for all of the user’s repositories', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    writeFileSync(join(made.folder, 'users'), '[http]\n\textraHeader = x: y\n[credential]\n\thelper = one\n');
    withVariables({ GIT_CONFIG_GLOBAL: join(made.folder, 'users') });
    made.git(made.clone, 'config', 'credential.helper', 'two');
    const { settings } = await locateRemote({ clone: made.clone });
    expect(settings).toEqual({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'credential.helper', GIT_CONFIG_VALUE_0: 'two' });
  });
});

describe('a user whose git does not discover bare repositories by itself', LIMIT, () => {
  it('can still use queues', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    writeFileSync(join(made.folder, 'users'), '[safe]\n\tbareRepository = explicit\n');
    withVariables({ GIT_CONFIG_GLOBAL: join(made.folder, 'users') });
    expect(() => made.git(made.bare, 'rev-parse')).toThrow('safe.bareRepository');
    const queue = await openGit(made.name(), { resultsDir: 'out' });
    const taken = await claim(queue);
    writeFileSync(join(taken.directory as string, 'out/new'), 'x');
    await taken.finish({ state: 'd' });
    const read = (file: string): string => made.git(made.folder, '--git-dir', made.bare, 'cat-file', 'blob', `main:${file}`);
    expect([read('runs.txt'), read('out/new')]).toEqual(['d a\n', 'x']);
    const other = await openGit(`git:${made.bare}#runs.txt`);
    await other.append([Buffer.from('b')]);
    expect(read('runs.txt')).toBe('d a\n. b\n');
  });
});

describe('variables that change how git interprets paths', LIMIT, () => {
  it.each(['GIT_LITERAL_PATHSPECS', 'GIT_GLOB_PATHSPECS', 'GIT_NOGLOB_PATHSPECS', 'GIT_ICASE_PATHSPECS'])(
    'are ignored: %s',
    async variable => {
      const made = repository({ 'runs.txt': '. a\n', 'RUNS.TXT': '. other\n' });
      withVariables({ [variable]: '1' });
      const taken = await claim(await openGit(made.name(), { resultsDir: 'out' }));
      writeFileSync(join(taken.directory as string, 'out/*'), 'x');
      await taken.finish({ state: 'd' });
      expect([made.read(), made.read('out/*')]).toEqual(['d a\n', 'x']);
    },
  );
});

describe('a remote that uses SHA-256 object names', LIMIT, () => {
  it('works like any other, also from code, and once it holds something', async () => {
    const made = repository({ 'runs.txt': '. a\n', 'jobs.txt': 'one\n' });
    rmSync(made.bare, { recursive: true });
    made.git(made.folder, 'init', '--quiet', '--bare', '--object-format=sha256', '--initial-branch=main', made.bare);
    await expect(openQueue(made.name())).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('nobody has pushed') });
    rmSync(join(made.clone, '.git'), { recursive: true });
    made.git(made.clone, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main');
    made.git(made.clone, 'remote', 'add', 'origin', made.bare);
    made.change('again', {});
    const taken = await claim(await openGit(made.name(), { resultsDir: 'out' }));
    writeFileSync(join(taken.directory as string, 'out/new'), 'x');
    await taken.finish({ state: 'd' });
    expect([made.read(), made.read('out/new')]).toEqual(['d a\n', 'x']);
    const worker = await workerIn(made, 'ann');
    await worker.nextJob(queueJobs());
    await worker.finish();
    expect(made.read('done.txt')).toBe('one\n');
  });
});

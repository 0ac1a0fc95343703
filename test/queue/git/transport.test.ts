import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import { openGit, ownCache, type Repository, repository } from '../../support/git.js';
import { claim } from '../../support/queues.js';

const LIMIT = { timeout: 60_000 };
const LARGE = 'x'.repeat(300_000);

let cache: string;

beforeEach(() => {
  cache = ownCache();
});

/** Has git use a script for ssh: it runs here what should run there, or says what it is given to say. */
function sshRuns(made: Repository, script = 'for last; do :; done; exec sh -c "$last"'): void {
  const path = join(made.folder, 'ssh');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  process.env.GIT_SSH_COMMAND = path;
  onTestFinished(() => {
    delete process.env.GIT_SSH_COMMAND;
  });
}

function nameOf(made: Repository): string {
  return `git+ssh://git@host${made.bare}#runs.txt`;
}

/** The bytes that our clone has of all objects. */
function sizeOfClone(): number {
  const folder = join(cache, 'runmaker/git', readdirSync(join(cache, 'runmaker/git'))[0] as string);
  const clone = join(folder, readdirSync(folder)[0] as string);
  const counted = execFileSync('git', ['count-objects', '-v'], { cwd: clone, encoding: 'utf8' });
  return [...counted.matchAll(/^size(?:-pack)?: (\d+)$/gm)].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}

/** What does not compress. */
function noise(): string {
  return Array.from(LARGE, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('');
}

describe('a remote over ssh', LIMIT, () => {
  it('is worked on without fetching what is in its other files', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n', 'results/large': noise() });
    made.git(made.bare, 'config', 'uploadpack.allowFilter', 'true');
    sshRuns(made);
    const queue = await openGit(nameOf(made));
    const taken = await claim(queue);
    made.edit('more', 'results/large', noise);
    await taken.finish('d');
    expect(made.read()).toBe('d a\n. b\n');
    expect(sizeOfClone()).toBeLessThan(LARGE.length / 2);
  });

  it('that cannot leave files out is fetched whole', async () => {
    const made = repository({ 'runs.txt': '. a\n', 'results/large': noise() });
    sshRuns(made);
    await (await claim(await openGit(nameOf(made)))).finish('d');
    expect(made.read()).toBe('d a\n');
    expect(sizeOfClone()).toBeGreaterThan(LARGE.length / 2);
  });

  it('gives a job its checkout, with files that were left out before', async () => {
    const made = repository({ 'runs.txt': '. a\n', 'data/large': noise() });
    made.git(made.bare, 'config', 'uploadpack.allowFilter', 'true');
    sshRuns(made);
    const taken = await claim(await openGit(nameOf(made), { resultsDir: 'out' }));
    expect(execFileSync('cat', [join(taken.directory as string, 'data/large')], { encoding: 'utf8' })).toBe(made.read('data/large'));
    writeFileSync(join(taken.directory as string, 'out/new'), 'x');
    await taken.finish('d');
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
  ])('that says no is told as what it is: %s', async (script, code, message) => {
    const made = repository({ 'runs.txt': '. a\n' });
    sshRuns(made, script);
    await expect(openQueue(nameOf(made))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

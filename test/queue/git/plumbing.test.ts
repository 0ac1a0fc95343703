import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainFailure, type GitFailure } from '../../../src/queue/git/plumbing/failure.js';
import { Git } from '../../../src/queue/git/plumbing/git.js';
import { GitOutput } from '../../../src/queue/git/plumbing/git-output.js';
import { Objects } from '../../../src/queue/git/plumbing/objects.js';
import { temporaryFolder } from '../../support/temporary.js';

const LIMIT = { timeout: 60_000 };
const SILENCE = 1000;

/** The output of a fetch over ssh, with this script as ssh. */
async function fetchBy(script: string): Promise<GitFailure> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o755 });
  const git = new Git(folder, { GIT_SSH_COMMAND: join(folder, 'ssh') });
  await git.call(['init', '--quiet', '.']);
  return await git.call(['fetch', 'ssh://host/x'], { silence: SILENCE }).then(
    () => expect.unreachable(),
    (error: GitFailure) => error,
  );
}

describe('a git that connects to a remote', LIMIT, () => {
  it('may take any time while it reports progress', { tags: ['slow'] }, async () => {
    const failure = await fetchBy(`
for i in 1 2 3 4 5 6 7 8; do printf 'Receiving objects:  %s%% (1/8)\\r' $i >&2; sleep 0.4; done
echo 'ERROR: at its end' >&2; exit 1`);
    expect(failure.message).toBe('git fetch: ERROR: at its end');
    expect(failure.stderr).not.toContain('Receiving');
  });

  it('is killed with its children when it stays silent for long, and that is reported', async () => {
    const failure = await fetchBy('echo one >&2; exec sleep 600');
    expect(failure.message).toContain('it was ended after 1 s without a sign of progress');
    expect(failure.kind).toBe('unreachable');
    expect(explainFailure(failure, 'ssh://host/x')).toMatchObject({ code: 'queue', message: expect.stringContaining('cannot be reached') });
  });

  it('leaves no ssh behind when it is ended', async () => {
    const note = join(temporaryFolder(), 'pid');
    await fetchBy(`echo $$ > ${note}; exec sleep 600`);
    const process = `/proc/${readFileSync(note, 'utf8').trim()}/cmdline`;
    // An ended process that has not been reaped has no command line.
    expect(existsSync(process) ? readFileSync(process, 'utf8') : '').toBe('');
  });
});

describe('objects', LIMIT, () => {
  it('cannot be read when git ends meanwhile, which is a git failure, and can on the next attempt', async () => {
    const folder = temporaryFolder();
    const git = new Git(folder);
    await git.call(['init', '--quiet', '--bare', '.']);
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'git'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const objects = new Objects(new Git(folder, { PATH: bin }));
    for (let time = 0; time < 2; time++) await expect(objects.read('HEAD')).rejects.toMatchObject({ name: 'GitFailure', kind: 'other' });
    rmSync(join(bin, 'git'));
    await expect(objects.read('HEAD')).rejects.toMatchObject({ name: 'RunmakerError', code: 'queue' });
    symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), join(bin, 'git'));
    expect(await objects.read('HEAD')).toBeUndefined();
    objects.close();
  });
});

describe('the output of git', () => {
  const said = (...pieces: readonly (string | Buffer)[]): string => {
    const all = new GitOutput();
    for (const piece of pieces) all.take(Buffer.from(piece));
    return all.text;
  };

  it('is kept without its progress, however it arrives', () => {
    const text = Buffer.from('Schlüssel?\r\nCounting: 50%\rCounting: 100%\rCounting: 100%, done.\nfatal: no\n');
    fc.assert(
      fc.property(fc.nat({ max: text.length }), fc.nat({ max: text.length }), (one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const pieces = [text.subarray(0, from), text.subarray(from, to), text.subarray(to)];
        expect(said(...pieces)).toBe('Schlüssel?\r\nCounting: 100%, done.\nfatal: no\n');
      }),
    );
  });

  it('is truncated to its end when it is too long', () => {
    expect(said(...Array<string>(1000).fill('x'.repeat(1000)), '\nfatal: no\n')).toMatch(/^x{1,140000}\nfatal: no\n$/);
    expect(said(...Array<string>(10_000).fill(`${'x'.repeat(99)}\n`), 'fatal: no\n')).toMatch(/^(?:x*\n){600,700}fatal: no\n$/);
  });
});

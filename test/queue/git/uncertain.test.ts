import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openGit, ownCache, type Repository, repository } from '../../support/git.js';
import { claim, finishEverything, holdersOf } from '../../support/queues.js';

const LIMIT = { timeout: 120_000 };

beforeEach(() => {
  ownCache();
});

/** Has every second push fail in the eyes of who pushes: `after` it was done, or `instead` of it. */
function forgetfulGit(made: Repository, when: 'after' | 'instead'): void {
  const bin = join(made.folder, 'forgetful');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(bin);
  const script = `#!/bin/sh
case " $* " in
  *" push "*)
    echo >> ${bin}/pushes
    if [ $(($(wc -l < ${bin}/pushes) % 2)) = 1 ]; then
      ${when === 'after' ? `${real} "$@" > /dev/null 2>&1` : ':'}
      echo "fatal: the remote end hung up unexpectedly" >&2
      exit 128
    fi ;;
esac
exec ${real} "$@"
`;
  writeFileSync(join(bin, 'git'), script);
  chmodSync(join(bin, 'git'), 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${bin}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
}

describe('a push whose answer is lost', LIMIT, () => {
  it.each(['after', 'instead'] as const)('(%s it was done) counts once: nothing is lost and nothing is done twice', async when => {
    const made = repository({ 'runs.txt': '. a\n. b\n. c\n. d\n' });
    forgetfulGit(made, when);
    const jobs = await finishEverything(await openGit(made.name()));
    expect(jobs.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(made.read()).toBe('d a\nd b\nd c\nd d\n');
    expect(made.history().map(message => message.replace(/^.*: /, ''))).toEqual([
      'begin',
      ...jobs.flatMap(({ number }) => [`started 1 job (${number})`, `finished 1 job (${number})`]),
    ]);
  });
});

describe('a remote that changes one ref at a time', LIMIT, () => {
  it('is worked on all the same, and shows who is present', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    made.git(made.bare, 'config', 'receive.advertiseAtomic', 'false');
    const [one, other] = [await openGit(made.name()), await openGit(made.name())];
    const [a, b] = await Promise.all([claim(one), claim(other)]);
    expect(await holdersOf(one)).toEqual(['present', 'present']);
    await Promise.all([a.finish('d'), b.finish('d')]);
    expect(made.read()).toBe('d a\nd b\n');
  });
});

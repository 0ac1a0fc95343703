import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openGit, ownCache, type Repository, repository } from '../../support/git.js';
import { claim, finishEverything, holdersOf } from '../../support/queues.js';
import { linesOf } from '../../support/runners.js';

const LIMIT = { timeout: 120_000 };

beforeEach(() => {
  ownCache();
});

/** Sends pushes through a few lines of shell first: `$real` is git itself, `$notes` a file of their own. */
function pushesThrough(made: Repository, script: string): void {
  const bin = join(made.folder, 'wrapped');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(bin);
  const whole = `#!/bin/sh
real=${real} notes=${bin}/notes
case " $* " in
  *" push "*)
${script} ;;
esac
exec $real "$@"
`;
  writeFileSync(join(bin, 'git'), whole, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${bin}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
}

/** Makes every second push fail in the eyes of its caller: `after` it was done, or `instead` of it. */
function forgetfulGit(made: Repository, when: 'after' | 'instead'): void {
  pushesThrough(
    made,
    `echo >> $notes
    if [ $(($(wc -l < $notes) % 2)) = 1 ]; then
      ${when === 'after' ? '$real "$@" > /dev/null 2>&1' : ':'}
      echo "fatal: the remote end hung up unexpectedly" >&2
      exit 128
    fi`,
  );
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

/** Makes a remote record, before each change of the branch, how many jobs run before or after it, and how many have leases. */
function coverage(made: Repository): () => { running: number; leased: number }[] {
  const log = join(made.folder, 'coverage');
  const hook = join(made.bare, 'hooks', 'update');
  const script = `#!/bin/sh
[ "$1" = refs/heads/main ] || exit 0
running() { git cat-file blob "$1:runs.txt" | grep -c '^r'; }
before=$(running "$2") after=$(running "$3")
[ "$after" -gt "$before" ] && before=$after
echo "$before $(git for-each-ref --format='%(contents)' refs/runmaker/ | grep -c '^row:')" >> ${log}
exit 0
`;
  writeFileSync(hook, script, { mode: 0o755 });
  return () => linesOf(log).map(line => ({ running: Number(line.split(' ')[0]), leased: Number(line.split(' ')[1]) }));
}

describe('a remote that changes one ref at a time', LIMIT, () => {
  const remote = (content: string): Repository => {
    const made = repository({ 'runs.txt': content });
    made.git(made.bare, 'config', 'receive.advertiseAtomic', 'false');
    return made;
  };

  it('works all the same, and shows presence', async () => {
    const made = remote('. a\n. b\n');
    const [one, other] = [await openGit(made.name()), await openGit(made.name())];
    const [a, b] = await Promise.all([claim(one), claim(other)]);
    expect(await holdersOf(one)).toEqual(['present', 'present']);
    await Promise.all([a.finish({ state: 'd' }), b.finish({ state: 'd' })]);
    expect(made.read()).toBe('d a\nd b\n');
  });

  it('never shows a running job before it shows its runner', async () => {
    const made = remote('. a\n. b\n. c\n');
    const seen = coverage(made);
    const queue = await openGit(made.name());
    const [a, b] = [await claim(queue), await claim(queue)];
    await a.finish({ state: 'd' });
    const c = await claim(queue);
    await Promise.all([b.finish({ state: 'd' }), c.release()]);
    expect(seen().length).toBeGreaterThanOrEqual(5);
    for (const { running, leased } of seen()) expect(leased).toBeGreaterThanOrEqual(running);
  });

  it('never has a job reset whose lease is being renewed', async () => {
    const made = remote('. a\n');
    const dead = await openGit(made.name(), { lease: 60_000 });
    await claim(dead);
    const [ref = ''] = made.refs('refs/runmaker/');
    const lease = made.git(made.bare, 'cat-file', 'commit', ref);
    const expired = lease.replace('60000ms', '1ms');
    const commit = (content: string): string =>
      execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], { cwd: made.bare, input: content, encoding: 'utf8' }).trim();
    made.git(made.bare, 'update-ref', ref, commit(expired));
    const other = await openGit(made.name());
    for (let looks = 0; looks < 2; looks++) {
      await holdersOf(other);
      await setTimeout(50);
    }
    pushesThrough(made, `[ -e $notes ] || $real --git-dir=${made.bare} update-ref ${ref} ${commit(lease)}; echo >> $notes`);
    expect(await other.reclaim()).toEqual([]);
    expect(existsSync(join(made.folder, 'wrapped', 'notes'))).toBe(true);
    expect(made.refs('refs/runmaker/')).toEqual([ref]);
    expect(made.read()).toBe('r a\n');
  });
});

describe('a remote that shows the refs of one push one after the other', LIMIT, () => {
  /** Claims a job whose lease stays hidden for the given ms. */
  async function halfShown(hidden: number): Promise<Repository> {
    const made = repository({ 'runs.txt': '. a\n' });
    await claim(await openGit(made.name()));
    const [ref = ''] = made.refs('refs/runmaker/');
    const lease = made.git(made.bare, 'rev-parse', ref).trim();
    made.git(made.bare, 'update-ref', '-d', ref);
    const back = setTimeout(hidden, undefined, { ref: false }).then(() => made.git(made.bare, 'update-ref', ref, lease));
    onTestFinished(() => void back.catch(() => undefined));
    return made;
  }

  it('never makes a running job look like an orphan', async () => {
    const made = await halfShown(400);
    const other = await openGit(made.name());
    expect(await other.reclaim()).toEqual([]);
    expect(await holdersOf(other)).toEqual(['present']);
    expect(made.read()).toBe('r a\n');
  });

  it('still has orphans reported and reset', { tags: ['slow'] }, async () => {
    const made = await halfShown(20_000);
    expect(await holdersOf(await openGit(made.name()))).toEqual(['absent']);
    expect((await (await openGit(made.name())).reclaim()).map(({ number }) => number)).toEqual([1]);
    expect(made.read()).toBe('. a\n');
  });
});

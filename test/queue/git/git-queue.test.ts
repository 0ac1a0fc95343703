import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import type { ClaimRequest } from '../../../src/queue/queue.js';
import type { RunEvent } from '../../../src/run/events.js';
import { Runner } from '../../../src/run/runner.js';
import { eventually, isOpenAfter } from '../../support/eventually.js';
import { openGit, ownCache, type Repository, repository } from '../../support/git.js';
import { claim, claimEverything, holdersOf, jobsOf } from '../../support/queues.js';
import { temporaryFolder } from '../../support/temporary.js';

// Each claim is a commit and a push.
const LIMIT = { timeout: 120_000 };

beforeEach(() => {
  ownCache();
});

const NOBODY = 65_534;

/** Makes this test continue as a user for whom read-only folders are read-only, if it runs as root. */
function becomeNobody(made: Repository): void {
  if (process.geteuid?.() !== 0) return;
  execFileSync('chown', ['-R', String(NOBODY), made.folder, process.env.XDG_CACHE_HOME as string]);
  // Shells that git starts are root's all the same.
  writeFileSync(join(made.folder, '.gitconfig'), '[safe]\n\tdirectory = *\n');
  vi.stubEnv('HOME', made.folder);
  process.seteuid?.(NOBODY);
  onTestFinished(() => {
    process.seteuid?.(0);
    vi.unstubAllEnvs();
  });
}

describe('a queue over git', LIMIT, () => {
  it('records in the history which runner did what', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n. c\n. d\n' });
    const queue = await openGit(made.name());
    const claims = [await claim(queue, { slots: 3 }), await claim(queue), await claim(queue)];
    await Promise.all(claims.map((taken, at) => taken.finish({ state: at === 1 ? '!' : 'd' })));
    await (await openGit(made.name())).append([Buffer.from('e')]);
    expect(made.history().map(message => message.replace(/runmaker [^:]+/, 'runmaker HOST'))).toEqual([
      'begin',
      'runmaker HOST: started 3 jobs (1,2,3)',
      'runmaker HOST: finished 2 jobs (1,3), failed 1 job (2)',
      'runmaker HOST: added 1 job',
    ]);
  });

  it('commits under GIT_USER_NAME and GIT_USER_EMAIL', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    process.env.GIT_USER_NAME = 'Robin';
    process.env.GIT_USER_EMAIL = 'robin@example.org';
    try {
      await claim(await openGit(made.name()));
    } finally {
      delete process.env.GIT_USER_NAME;
      delete process.env.GIT_USER_EMAIL;
    }
    expect(made.git(made.bare, 'log', '-1', '--format=%an %ae %cn %ce', 'main').trim()).toBe(
      'Robin robin@example.org Robin robin@example.org',
    );
  });

  it('writes a result and the next claim in one commit', async () => {
    const made = repository({ 'runs.txt': '. true\n. true\n. true\n' });
    await new Runner(await openGit(made.name()), { jobs: 1 }).run();
    expect(made.history().length).toBe(1 + 4);
    expect(made.history()[2]).toMatch(/finished 1 job \(1\), started 1 job \(2\)$/);
  });

  it('returns jobs that it claimed ahead and no longer wants', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n. c\n' });
    const queue = await openQueue(made.name());
    await (await claim(queue, { slots: 3 })).finish({ state: 'd' });
    await queue.close();
    expect(made.read()).toBe('d a\n. b\n. c\n');
  });

  it('claims ahead only what fits', async () => {
    const made = repository({ 'runs.txt': '. a #: cpus=2\n. b #: cpus=2\n. c #: cpus=2\n' });
    const queue = await openGit(made.name());
    const capacity = { cpus: 4, mem: 0, gpus: 0 };
    await claim(queue, { slots: 3, free: capacity, capacity });
    expect(made.read()).toBe('r a #: cpus=2\nr b #: cpus=2\n. c #: cpus=2\n');
  });

  it('leaves everything but states unchanged, also beside the file', async () => {
    const files = { 'runs.txt': '# head\r\n. a\r\n', 'script.py': 'print(1)\n', 'sub/data.bin': Buffer.from([0, 255, 10]) };
    const made = repository(files);
    await (await claim(await openGit(made.name()))).finish({ state: 'd' });
    expect(made.git(made.bare, 'diff', '--stat', 'main~2', 'main')).toMatch(/^ runs.txt \| 2 \+-\n 1 file changed/);
    expect(made.read()).toBe('# head\r\nd a\r\n');
  });

  it('works on a file in a folder, on another branch, and leaves the main branch alone', async () => {
    const made = repository({ 'runs.txt': '. no\n', 'jobs/list.txt': '. a\n' });
    made.git(made.bare, 'branch', 'dev', 'main');
    const queue = await openGit(`git+file://${made.bare}#jobs/list.txt?branch=dev`);
    await (await claim(queue)).finish({ state: 'd' });
    expect(made.read('jobs/list.txt', 'dev')).toBe('d a\n');
    expect(made.history()).toEqual(['begin']);
  });

  it('finds the default file, and the remote of a clone', async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status\na,[],{},ready\n' });
    const queue = await openGit(`git:${made.clone}`);
    await claim(queue);
    expect(made.read('queue.csv')).toBe('script,args,kwargs,status\na,[],{},running\n');
    expect(queue.address).toBe(`git:${made.clone}#queue.csv?branch=main`);
    expect(made.git(made.clone, 'status', '--porcelain')).toBe('');
  });

  it('works from a shallow clone, and on one', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    for (let at = 0; at < 3; at++) made.change(`more ${at}`, { more: String(at) });
    const shallow = join(made.folder, 'shallow');
    made.git(made.folder, 'clone', '--quiet', '--depth=1', `file://${made.bare}`, shallow);
    await (await claim(await openGit(`git:${shallow}#runs.txt`))).finish({ state: 'd' });
    const bare = join(made.folder, 'shallow.git');
    made.git(made.folder, 'clone', '--quiet', '--bare', '--depth=1', `file://${made.bare}`, bare);
    await (await claim(await openGit(`git+file://${bare}#runs.txt`))).finish({ state: 'd' });
    expect(made.git(bare, 'cat-file', 'blob', 'main:runs.txt')).toBe('d a\nd b\n');
  });

  it('tracks its jobs when lines are moved', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    const taken = await claim(await openGit(made.name()));
    made.edit('move', 'runs.txt', text => `# new\n. c\n${text}`);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(made.read()).toBe('# new\n. c\nd a\n. b\n');
  });

  it.each([
    ['an identical one that was done is removed', (text: string) => text.replace('d a\n', ''), 'd a\n! a\n'],
    ['an identical one is put first', (text: string) => `. a\n${text}`, '. a\nd a\nd a\n! a\n'],
  ])('tells its identical jobs apart when %s', async (_, edit, expected) => {
    const made = repository({ 'runs.txt': 'd a\n. a\n. a\n' });
    const queue = await openGit(made.name());
    const [first, second] = [await claim(queue), await claim(queue)];
    made.edit('edit', 'runs.txt', edit);
    expect(await second.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(await first.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(made.read()).toBe(expected);
  });

  it('refuses a result if another runner had the job in between, whatever its state now', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const taken = await claim(await openGit(made.name()));
    made.edit('mine', 'runs.txt', () => '. a\n');
    made.edit('and running', 'runs.txt', () => 'r a\n');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: 'somebody set the line to "." while its job ran' });
    expect(made.read()).toBe('r a\n');
  });

  it('keeps the branch linear and without merges, whatever else is committed', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n. c\n', 'notes.txt': '' });
    const queue = await openGit(made.name());
    for (const at of [1, 2, 3]) {
      const taken = await claim(queue);
      made.edit(`note ${at}`, 'notes.txt', () => String(at));
      await taken.finish({ state: 'd' });
    }
    expect(made.git(made.bare, 'rev-list', '--merges', 'main')).toBe('');
    expect(made.read()).toBe('d a\nd b\nd c\n');
    made.git(made.bare, 'fsck', '--strict');
  });
});

describe('presence over git', LIMIT, () => {
  it('is shown in separate refs, which disappear with the runner', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const queue = await openQueue(made.name());
    const taken = await claim(queue);
    expect(made.refs('refs/runmaker').length).toBe(1);
    await taken.finish({ state: 'd' });
    await queue.close();
    expect(made.refs()).toEqual(['refs/heads/main']);
  });

  it('is renewed for as long as a job runs', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    await claim(await openGit(made.name(), { lease: 1000 }));
    const lease = (): string => made.git(made.bare, 'for-each-ref', '--format=%(objectname)', 'refs/runmaker');
    const first = lease();
    await eventually('the lease is another one', () => lease() !== first);
    expect(made.history().length).toBe(2);
  });

  it('is renewed during a slow push, without keeping the push from landing', { tags: ['slow'] }, async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const queue = await openGit(made.name(), { lease: 2000 });
    const taken = await claim(queue);
    // A remote that receives all of the push, and accepts it four seconds later.
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\nif grep -q heads/main; then echo >> pushes; sleep 4; fi\n', { mode: 0o755 });
    const finished = taken.finish({ state: 'd' });
    const observer = await openGit(made.name());
    const holders = new Set<string | undefined>();
    let over = false;
    void finished.then(() => {
      over = true;
    });
    while (!over) {
      for (const { state, holder } of await jobsOf(observer)) if (state === 'r') holders.add(holder);
      await setTimeout(200);
    }
    expect(await finished).toEqual({ kind: 'recorded' });
    expect([...holders]).toEqual(['present']);
    expect(readFileSync(join(made.bare, 'pushes'), 'utf8')).toBe('\n');
    expect(made.read()).toBe('d a\n');
    await queue.close();
    expect(made.refs('refs/runmaker')).toEqual([]);
  });

  it('is renewed even if each push takes a good part of the lease', { tags: ['long'] }, async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    await claim(await openGit(made.name(), { lease: 6000 }));
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\nsleep 2\n', { mode: 0o755 });
    await eventually('a renewal has landed', () => made.refs('refs/runmaker').length === 2);
  });

  it('that cannot be renewed produces one warning, and another after each recovery', { tags: ['slow'] }, async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const notices: string[] = [];
    const taken = await claim(await openGit(made.name(), { lease: 1000 }), {
      tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind),
    });
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(dirname(hook), { recursive: true });
    const refuse = (): void => writeFileSync(hook, '#!/bin/sh\necho >> pushes\necho "no such refs here" >&2\nexit 1\n', { mode: 0o755 });
    const beat = (): string => made.git(made.bare, 'for-each-ref', '--format=%(objectname)', 'refs/runmaker/*.beat');
    const refused = (): number => (existsSync(join(made.bare, 'pushes')) ? readFileSync(join(made.bare, 'pushes')).length : 0);
    refuse();
    await eventually('it was refused more than once', () => refused() > 3);
    expect(notices).toEqual([expect.stringMatching(/^the lease of the jobs that run here cannot be renewed: .*no such refs here/)]);
    rmSync(hook);
    const before = beat();
    await eventually('it is renewed', () => beat() !== before);
    refuse();
    await eventually('it is told again', () => notices.length === 2);
    rmSync(hook);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('ends when the lease expires: the job is reclaimed, the lease is removed, and the late result is refused', {
    tags: ['slow'],
  }, async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const holder = await openGit(made.name(), { lease: 60_000 });
    const taken = await claim(holder);
    const [ref] = made.refs('refs/runmaker') as [string];
    // The trace of a runner that was suspended a minute ago: a lease that holds for a second, and is not renewed.
    const tree = made.git(made.bare, 'hash-object', '-t', 'tree', '-w', '/dev/null').trim();
    const message = made.git(made.bare, 'log', '-1', '--format=%B', ref).replace('lease: 60000ms', 'lease: 1000ms');
    made.git(made.bare, 'update-ref', ref, made.git(made.clone, '-C', made.bare, 'commit-tree', tree, '-m', message).trim());
    const observer = await openGit(made.name());
    const notices: string[] = [];
    const tell: ClaimRequest['tell'] = notice => void (notice.kind === 'news' && notices.push(notice.message));
    expect(await observer.reclaim()).toEqual([]);
    for (let asked = 0; asked < 2; asked++) expect(await observer.claim({ tell })).not.toMatchObject({ kind: 'claimed' });
    expect(notices).toEqual(['1 job (1) claimed by others: set back only when there was no sign of life for 1s']);
    expect(await (await openGit(made.name())).reclaim({ tell })).toEqual([]);
    expect(notices).toHaveLength(2);
    expect(await holdersOf(observer)).toEqual(['present']);
    for (let looks = 0; looks < 2; looks++) {
      await setTimeout(600);
      await holdersOf(observer);
    }
    expect(await holdersOf(observer)).toEqual(['absent']);
    expect((await observer.reclaim()).map(job => job.number)).toEqual([1]);
    expect(made.refs('refs/runmaker')).toEqual([]);
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused', reason: expect.stringContaining('its lease had expired') });
    expect(made.read()).toBe('. a\n');
  });

  it('is reported with the remaining time of each lease', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n. c\n' });
    for (const lease of [60_000, 120_000, 60_000]) await claim(await openGit(made.name(), { lease }));
    const notices: string[] = [];
    await (await openGit(made.name())).reclaim({ tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) });
    const said = 'claimed by others: set back only when there was no sign of life for';
    expect(notices.sort()).toEqual([`1 job (2) ${said} 2m`, `2 jobs (1,3) ${said} 1m`]);
  });

  it('is reported with the time of the next look for expiry', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const holder = await openGit(made.name(), { lease: 600_000 });
    await claim(holder);
    const later = vi.spyOn(Date, 'now');
    onTestFinished(() => later.mockRestore());
    const began = performance.timeOrigin + performance.now();
    const hints: string[] = [];
    for (const minutes of [0, 2, 5.5]) {
      later.mockReturnValue(began + minutes * 60_000);
      await (await openGit(made.name())).reclaim({ tell: notice => notice.kind === 'news' && hints.push(notice.hint) });
    }
    expect(hints.map(hint => /ask again (.*?);/.exec(hint)?.[1])).toEqual(['in 5m, and in 10m', 'in 5m, and in 8m', 'in 5m']);
  });

  it('that is renewed at the last moment keeps the job from being reclaimed', { tags: ['long'] }, async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const holder = await openGit(made.name(), { lease: 3000 });
    await claim(holder);
    const observer = await openGit(made.name());
    const end = performance.now() + 7000;
    while (performance.now() < end) {
      expect(await observer.reclaim()).toEqual([]);
      await setTimeout(300);
    }
    expect(made.read()).toBe('r a\n');
  });
});

describe('attempts over git', LIMIT, () => {
  it('are counted across runners: a failing row is ready again until it has reached its limit', { tags: ['slow'] }, async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status\na,[],{},ready\nb,[],{},ready\n' });
    const ends: unknown[] = [];
    for (let at = 0; at < 3; at++) {
      const queue = await openGit(made.name('queue.csv'), { maxJobAttempts: 3 });
      ends.push(await (await claim(queue)).finish({ state: '!' }));
    }
    expect(ends).toEqual([{ kind: 'recorded', state: '.' }, { kind: 'recorded', state: '.' }, { kind: 'recorded' }]);
    expect(made.read('queue.csv')).toBe('script,args,kwargs,status\na,[],{},failed\nb,[],{},ready\n');
  });

  it('are counted anew once the job was done, should it be reset', { tags: ['slow'] }, async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const queue = await openGit(made.name(), { maxJobAttempts: 2 });
    const ends: unknown[] = [];
    for (const state of ['!', 'd', '!', '!'] as const) {
      ends.push(await (await claim(queue)).finish({ state }));
      if (state === 'd') await queue.set({}, '.');
    }
    const again = { kind: 'recorded', state: '.' };
    expect(ends).toEqual([again, { kind: 'recorded' }, again, { kind: 'recorded' }]);
  });

  it('that finally succeed leave no trace in a runner’s summary', async () => {
    const mark = join(temporaryFolder(), 'mark');
    const made = repository({ 'runs.txt': `. test -e ${mark} || { touch ${mark}; exit 1; }\n` });
    const summary = await new Runner(await openGit(made.name(), { maxJobAttempts: 2 }), { jobs: 1 }).run();
    expect(summary).toMatchObject({ succeeded: 1, failed: 0 });
    expect(made.read()).toMatch(/^d /);
  });
});

describe('results over git', LIMIT, () => {
  it('are committed with the state: jobs run in their own checkout', async () => {
    const made = repository({
      'runs.txt': '. sh job.sh one\n. sh job.sh two\n',
      'job.sh':
        'cat note > $RESULTS_DIR/$1.txt; git rev-parse HEAD >> $RESULTS_DIR/$1.txt; mkdir results/d; echo x > results/d/$1; echo y > outside\n',
      note: 'hello\n',
    });
    await new Runner(await openGit(made.name(), { resultsDir: 'results' }), { jobs: 2 }).run();
    expect(made.read()).toBe('d sh job.sh one\nd sh job.sh two\n');
    expect(made.git(made.bare, 'ls-tree', '-r', '--name-only', 'main').trim().split('\n').sort()).toEqual(
      ['job.sh', 'note', 'results/d/one', 'results/d/two', 'results/one.txt', 'results/two.txt', 'runs.txt'].sort(),
    );
    const [greeting, commit] = made.read('results/one.txt').trim().split('\n');
    expect(greeting).toBe('hello');
    expect(made.git(made.bare, 'log', '-1', '--format=%s', commit as string)).toContain('started');
  });

  it('are stored beside concurrent changes by others, and nothing stops', async () => {
    const made = repository({ 'runs.txt': '. true\n', 'results/log': 'old\n' });
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const notices: string[] = [];
    const request: ClaimRequest = { tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) };
    const taken = await claim(queue, request);
    writeFileSync(join(taken.directory as string, 'results/log'), 'ours\n');
    made.edit('theirs', 'results/log', () => 'theirs\n');
    await taken.finish({ state: 'd' });
    expect([made.read('results/log'), made.read('results/log.job-1')]).toEqual(['theirs\n', 'ours\n']);
    expect(notices).toEqual(['results were changed by somebody else meanwhile; ours are in results/log.job-1']);
  });

  it('of which one is a file and one a folder of the same name are both kept', async () => {
    const made = repository({
      'runs.txt':
        '. echo file > results/out\n. mkdir results/out; echo folder > results/out/x\n. mkdir -p results/out; echo more > results/out/y\n',
    });
    await new Runner(await openGit(made.name(), { resultsDir: 'results' }), { jobs: 3 }).run();
    expect(made.read()).toMatch(/^(d .*\n){3}$/);
    const contents = ['file', 'folder', 'more'].map(word => made.git(made.bare, 'grep', '-l', `^${word}$`, 'main', '--', 'results').trim());
    expect(contents.every(name => name.startsWith('main:results/out'))).toBe(true);
  });

  it('that are repositories are committed as files, with or without a commit in them', async () => {
    const made = repository({
      'runs.txt':
        '. git init -q results/sub/empty; echo 1 > results/sub/empty/one; git init -q results/two; cd results/two; echo 2 > two; git add two; git -c user.name=a -c user.email=b commit -qm x\n',
    });
    await new Runner(await openGit(made.name(), { resultsDir: 'results' }), {}).run();
    expect([made.read('results/sub/empty/one'), made.read('results/two/two')]).toEqual(['1\n', '2\n']);
    expect(made.read()).toMatch(/^d /);
  });

  it('never include the queue’s own file, wherever it is', async () => {
    const made = repository({ 'q/runs.txt': '. echo mine >> q/runs.txt; echo out > q/out\n. true\n' });
    await new Runner(await openGit(made.name('q/runs.txt'), { resultsDir: 'q' }), {}).run();
    expect(made.read('q/runs.txt')).toBe('d echo mine >> q/runs.txt; echo out > q/out\nd true\n');
    expect(made.read('q/out')).toBe('out\n');
  });

  it('need a folder, and the job stays unclaimed where a file has its name', async () => {
    const made = repository({ 'runs.txt': '. true\n', results: 'a file\n' });
    await expect((await openGit(made.name(), { resultsDir: 'results' })).claim({})).rejects.toMatchObject({
      code: 'usage',
      message: 'the results folder results is a file in the repository',
    });
    expect(made.read()).toBe('. true\n');
  });

  it('need a folder of the repository, and the job stays unclaimed where a symbolic link leads elsewhere', async () => {
    const made = repository({ 'runs.txt': '. true\n', 'elsewhere/x': 'x\n' });
    symlinkSync('elsewhere', join(made.clone, 'results'));
    made.change('link', {});
    await expect((await openGit(made.name(), { resultsDir: 'results' })).claim({})).rejects.toMatchObject({
      code: 'usage',
      message: 'the results folder results is a symbolic link, or behind one, in the repository',
    });
    expect(made.read()).toBe('. true\n');
  });

  it('whose names are not UTF-8 stay where they are, and are named', async () => {
    const made = repository({ 'runs.txt': '. true\n' });
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const notices: string[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) });
    const results = join(taken.directory as string, 'results');
    writeFileSync(join(results, 'fine'), 'fine\n');
    writeFileSync(Buffer.concat([Buffer.from(`${results}/`), Buffer.from([0xff])]), 'odd\n');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded', incomplete: true });
    expect(made.read('results/fine')).toBe('fine\n');
    const folder = /no UTF-8 cannot be pushed: what it left stays in (.+)$/.exec(notices.at(-1) ?? '')?.[1] as string;
    expect(readdirSync(folder, { encoding: 'buffer' }).map(name => name.toString('latin1'))).toEqual(['fine', '\xff']);
  });

  it.each<[string, (results: string) => void, string[], boolean]>([
    [
      'a pipe in a repository',
      results => execFileSync('sh', ['-c', `git init -q ${results}/n; mkfifo ${results}/n/pipe; echo x > ${results}/n/x`]),
      ['results/n/x'],
      false,
    ],
    [
      'a folder .GIT',
      results => execFileSync('sh', ['-c', `mkdir ${results}/.GIT; echo x > ${results}/.GIT/x; echo y > ${results}/y`]),
      ['results/y'],
      true,
    ],
    [
      'a symbolic link in place of their folder',
      results => execFileSync('sh', ['-c', `rmdir ${results}; mkdir ${results}-2; echo x > ${results}-2/x; ln -s ${results}-2 ${results}`]),
      [],
      true,
    ],
    ['no checkout any more', results => rmSync(dirname(results), { recursive: true }), [], true],
  ])('with %s among them keep neither the state nor the others from being pushed', async (_, leave, pushed, isKept) => {
    const made = repository({ 'runs.txt': '. true\n. true\n' });
    // The user's own repository, in which the checkouts happen to lie.
    made.git(process.env.XDG_CACHE_HOME as string, 'init', '--quiet');
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const notices: string[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) });
    leave(join(taken.directory as string, 'results'));
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded', ...(isKept && { incomplete: true }) });
    expect(made.git(made.bare, 'ls-tree', '-r', '--name-only', 'main', 'results').split('\n').filter(Boolean)).toEqual(pushed);
    expect(notices.some(notice => notice.includes('stays in'))).toBe(isKept);
    expect(existsSync(join(process.env.XDG_CACHE_HOME as string, '.git/index'))).toBe(false);
    expect(await (await claim(queue)).finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('are the exact bytes that the job has left, whatever the user’s settings, the repository’s attributes and its filters', async () => {
    const made = repository({
      'runs.txt': '. true\n',
      '.gitattributes': '*.bin filter=pointer\n*.txt text eol=crlf\n',
      'in.bin': 'data\n',
    });
    const settings = { 'core.autocrlf': 'input', 'core.safecrlf': 'true', 'filter.pointer.clean': 'cat > /dev/null; echo pointer' };
    const variables = Object.entries(settings).flatMap(([key, value], at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]);
    for (const [name, value] of [['GIT_CONFIG_COUNT', '3'], ...variables]) vi.stubEnv(name as string, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const taken = await claim(await openGit(made.name(), { resultsDir: 'my [results]' }));
    const files = { 'a.bin': 'bytes\n', 'sub/b.bin': 'more\n', 'c.txt': 'one\r\ntwo\n', d: 'one\r\ntwo\n' };
    const results = join(taken.directory as string, 'my [results]');
    mkdirSync(join(results, 'sub'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(results, name), content);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    for (const [name, content] of Object.entries(files)) expect(made.read(`my [results]/${name}`)).toBe(content);
  });

  it('appear in checkouts as the repository’s attributes say, also untouched files of the results folder', async () => {
    const made = repository({
      'runs.txt': '. true\n. true\n',
      '.gitattributes': '*.txt text eol=crlf\n',
      'results/a.txt': 'one\n',
      'results/b.txt': 'one\n',
      'results/gone.txt': 'one\n',
    });
    for (const resultsDir of ['results', 'other']) {
      const taken = await claim(await openGit(made.name(), { resultsDir }));
      const results = join(taken.directory as string, 'results');
      expect(readFileSync(join(results, 'b.txt'), 'utf8')).toBe('one\r\n');
      if (resultsDir === 'results') {
        writeFileSync(join(results, 'a.txt'), 'one\r\ntwo\r\n');
        rmSync(join(results, 'gone.txt'));
        writeFileSync(join(results, 'an odd\n"name"'), 'odd\n', { mode: 0o755 });
        symlinkSync('b.txt', join(results, 'link'));
      }
      expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    }
    expect([made.read('results/a.txt'), made.read('results/b.txt')]).toEqual(['one\r\ntwo\r\n', 'one\n']);
    const listed = made.git(made.bare, 'ls-tree', '-z', 'main', 'results/').split('\0').filter(Boolean);
    expect(listed.map(entry => entry.replace(/ blob \w+\tresults\//, ' '))).toEqual([
      '100644 a.txt',
      '100755 an odd\n"name"',
      '100644 b.txt',
      '120000 link',
    ]);
  });

  it('in a submodule do not replace it, and those beside it are pushed', async () => {
    const made = repository({ 'runs.txt': '. true\n' });
    const commit = made.git(made.clone, 'rev-parse', 'HEAD').trim();
    made.git(made.clone, 'update-index', '--add', '--cacheinfo', `160000,${commit},results/sub`);
    made.git(made.clone, 'commit', '--quiet', '-m', 'submodule');
    made.git(made.clone, 'push', '--quiet');
    const notices: string[] = [];
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const taken = await claim(queue, { tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) });
    const results = join(taken.directory as string, 'results');
    execFileSync('sh', ['-c', 'git init -q sub; echo x > sub/x; echo y > y'], { cwd: results });
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded', incomplete: true });
    expect(made.git(made.bare, 'ls-tree', '-r', 'main', 'results').replace(/ \w+\t/g, ' ')).toBe(
      '160000 commit results/sub\n100644 blob results/y\n',
    );
    expect(notices.at(-1)).toMatch(/some are in a submodule: results\/sub: what it left stays in/);
  });

  it('that git cannot store stay where they are, are named, and do not keep the state from being pushed', async () => {
    const made = repository({ 'runs.txt': '. true\n' });
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const notices: string[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) });
    const results = join(taken.directory as string, 'results');
    rmSync(results, { recursive: true });
    writeFileSync(results, 'a file in its place\n');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded', incomplete: true });
    expect(made.read()).toBe('d true\n');
    const place = /cannot be put into git: .*: what it left stays in (.+)$/.exec(notices.at(-1) ?? '')?.[1] as string;
    expect(readFileSync(place, 'utf8')).toBe('a file in its place\n');
  });

  it('that the remote rejects stay where they are, are named, and hold up neither states nor results of other jobs', {
    tags: ['slow'],
  }, async () => {
    const made = repository({
      'runs.txt': '. echo one > $RESULTS_DIR/1\n. head -c 20000 /dev/zero > $RESULTS_DIR/2\n. echo three > $RESULTS_DIR/3\n. false\n',
    });
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(dirname(hook), { recursive: true });
    // As hosting services do it.
    const script = `#!/bin/sh
while read old new ref; do
  case $ref in refs/heads/*) git ls-tree -rl $new | grep -q ' 20000' && { echo 'error: File results/2 exceeds the limit' >&2; exit 1; } ;; esac
done
exit 0
`;
    writeFileSync(hook, script, { mode: 0o755 });
    const notices: string[] = [];
    const listener = (event: RunEvent): void => void (event.type === 'warning' && notices.push(event.message));
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const summary = await new Runner(queue, { jobs: 4, listeners: [listener] }).run();
    expect(summary).toMatchObject({ succeeded: 3, failed: 1, refused: 1 });
    expect(made.read().replace(/ .*/g, '')).toBe('d\nd\nd\n!\n');
    expect([made.read('results/1'), made.read('results/3')]).toEqual(['one\n', 'three\n']);
    const told = notices.find(notice => notice.includes('stays in')) ?? '';
    expect(told).toMatch(/does not take the files of job 2 \(.*results\/2 exceeds the limit/);
    expect(readFileSync(join(/stays in (.+)$/.exec(told)?.[1] as string, '2')).length).toBe(20_000);
  });

  it('that are rejected with all else, because the branch is protected, are pushed with it once it no longer is', {
    tags: ['slow'],
  }, async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const claims = await claimEverything(queue);
    for (const { directory, job } of claims) writeFileSync(join(directory as string, 'results', `${job.number}`), 'result\n');
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\necho "main is protected" >&2\nexit 1\n', { mode: 0o755 });
    const finished = Promise.all(claims.map(taken => taken.finish({ state: 'd' })));
    await setTimeout(1500);
    rmSync(hook);
    expect(await finished).toEqual([{ kind: 'recorded' }, { kind: 'recorded' }]);
    expect(made.read()).toBe('d a\nd b\n');
    expect([made.read('results/1'), made.read('results/2')]).toEqual(['result\n', 'result\n']);
  });

  it('that are rejected briefly, together with a claim, stop no runner', async () => {
    const made = repository({ 'runs.txt': '. echo one > $RESULTS_DIR/1\n. echo two > $RESULTS_DIR/2\n' });
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(dirname(hook), { recursive: true });
    const script =
      '#!/bin/sh\ngrep -q heads/main || exit 0\necho >> pushes\ncase $(wc -l < pushes) in 2|3) echo "not now" >&2; exit 1 ;; esac\n';
    writeFileSync(hook, script, { mode: 0o755 });
    const summary = await new Runner(await openGit(made.name(), { resultsDir: 'results' }), { jobs: 1 }).run();
    expect(summary).toMatchObject({ succeeded: 2, refused: 0 });
    expect([made.read('results/1'), made.read('results/2')]).toEqual(['one\n', 'two\n']);
  });

  it('of a job whose claim was lost stay where they are, and are named', async () => {
    const made = repository({ 'runs.txt': '. true\n' });
    const queue = await openGit(made.name(), { resultsDir: 'results' });
    const notices: string[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind) });
    writeFileSync(join(taken.directory as string, 'results/log'), 'ours\n');
    made.edit('back', 'runs.txt', () => '. true\n');
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    const folder = /stays in (.+)$/.exec(notices.at(-1) ?? '')?.[1] as string;
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('ours\n');
  });

  it('leave no folders behind', async () => {
    const made = repository({ 'runs.txt': '. true\n. true\n. true\n' });
    const queue = await openQueue(made.name(), { resultsDir: 'results' });
    const [taken] = await claimEverything(queue);
    const folder = taken?.directory as string;
    expect(existsSync(folder)).toBe(true);
    await taken?.finish({ state: 'd' });
    await queue.close();
    expect(existsSync(folder)).toBe(false);
  });

  it('do not keep a runner from exiting, or the next from starting, when a job has made its folder read-only', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n. c\n' });
    becomeNobody(made);
    const queue = await openQueue(made.name(), { resultsDir: 'results' });
    const folders: string[] = [];
    for (let at = 0; at < 2; at++) {
      const taken = await claim(queue);
      const folder = taken.directory as string;
      folders.push(folder);
      mkdirSync(join(folder, 'module'));
      writeFileSync(join(folder, 'module/file'), '');
      chmodSync(join(folder, 'module'), 0o555);
      expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    }
    await queue.close();
    expect(folders.map(existsSync)).toEqual([false, false]);
    await (await claim(await openGit(made.name(), { resultsDir: 'results' }))).finish({ state: 'd' });
    expect(made.read()).toBe('d a\nd b\nd c\n');
  });

  it('are cleared away with the folders of killed runners, except those that were kept', async () => {
    const made = repository({ 'runs.txt': '. true\n. true\n' });
    const folder = (await claim(await openGit(made.name(), { resultsDir: 'results' }))).directory as string;
    const dead = folder.replace(/-\d+-\d+-\d+-\d+$/, '-4194305-1-1-1');
    const kept = join(dirname(folder), `kept-${basename(dead)}-1700000000000`);
    for (const left of [dead, kept]) mkdirSync(join(left, 'results'), { recursive: true });
    await claim(await openGit(made.name(), { resultsDir: 'results' }));
    expect([dead, kept, folder].map(existsSync)).toEqual([false, true, true]);
  });
});

describe('trouble over git', LIMIT, () => {
  const open = (name: string) => openQueue(name, { patience: 500, sleep: 20 });

  it('is reported when there is no repository, branch, or file, or the file is invalid', async () => {
    const made = repository({ 'runs.txt': '. a\n', 'bad.csv': 'script,args\n', 'merge.txt': '. a\n<<<<<<< HEAD\n. b\n>>>>>>> x\n' });
    execFileSync('git', ['init', '--quiet', '--bare', join(made.folder, 'empty.git')]);
    await expect(open(`git+file://${made.folder}/none.git#runs.txt`)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('no such repository'),
    });
    await expect(open(`${made.name()}?branch=none`)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('has no branch none'),
    });
    await expect(open(made.name('none.txt'))).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('there is no none.txt on the branch main'),
    });
    await expect(open(`git+file://${made.folder}/empty.git`)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('nobody has pushed anything'),
    });
    await expect(open(made.name('bad.csv'))).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('no column kwargs, status'),
    });
    await expect(open(made.name('merge.txt'))).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('line 2') });
    await expect(open(`git:${made.folder}/none`)).rejects.toMatchObject({ code: 'input' });
    await expect(open(`git:${made.folder}`)).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('is not a clone') });
  });

  it("in a queue given by its path is reported under the queue's name", async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const refused = (hint: string) => ({ code: 'usage', hint: `write ${hint}` });
    await expect(open(`${made.bare}#runs.txt`)).rejects.toMatchObject(refused(made.name()));
    await expect(open(`git+${made.bare}#runs.txt`)).rejects.toMatchObject(refused(made.name()));
    await expect(open(made.bare)).rejects.toMatchObject(refused(made.name()));
    await expect(open('/nowhere/q%.git#a.csv')).rejects.toMatchObject(refused('git+file:///nowhere/q%25.git#a.csv'));
    await expect(open(`${made.clone}#runs.txt`)).rejects.toMatchObject(refused(`git:${made.clone}#runs.txt`));
    await expect(open(`git+file://queue.git#runs.txt`)).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('git+file:///'),
    });
    writeFileSync(`${made.clone}#1`, '. a\n');
    const file = await openQueue(`${made.clone}#1`);
    expect(file.name).toBe(`${made.clone}#1`);
    await file.close();
    for (const name of ['nowhere/runs#1.txt', 'git+runs.txt']) {
      await expect(openQueue(name)).rejects.toMatchObject({ message: expect.stringContaining('no such file') });
    }
  });

  it('with an unreachable remote is tolerated: the result is pushed when it is back', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const notices: string[] = [];
    const taken = await claim(await openGit(made.name()), {
      tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind),
    });
    renameSync(made.bare, `${made.bare}.away`);
    const finished = taken.finish({ state: 'd' });
    await eventually('it is told', () => notices.some(notice => notice.includes('trying on for')));
    renameSync(`${made.bare}.away`, made.bare);
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(made.read()).toBe('d a\n');
  });

  it('that outlasts the patience is an error of the queue, and says so', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const queue = await open(made.name());
    const taken = await claim(queue);
    renameSync(made.bare, `${made.bare}.away`);
    await expect(taken.finish({ state: 'd' })).rejects.toMatchObject({ name: 'RunmakerError' });
    renameSync(`${made.bare}.away`, made.bare);
    await queue.close();
    expect(made.read()).toBe('r a\n');
  });

  it('with an unreachable remote does not delay a runner that was told to stop', async () => {
    const made = repository({ 'runs.txt': 'r a\n' });
    const queue = await openGit(made.name());
    renameSync(made.bare, `${made.bare}.away`);
    const stopping = new AbortController();
    const requests = [queue.reclaim({ signal: stopping.signal }), queue.changed(stopping.signal)];
    const over = Promise.allSettled(requests);
    await setTimeout(1000);
    stopping.abort();
    expect(await isOpenAfter(over, 5000)).toBe(false);
    expect(await over).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    renameSync(`${made.bare}.away`, made.bare);
  });

  it('with a protected branch is reported at once for a claim, and running jobs continue', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    const queue = await openGit(made.name());
    const taken = await claim(queue);
    const hook = join(made.bare, 'hooks/pre-receive');
    mkdirSync(join(made.bare, 'hooks'), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\necho "main is protected" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    await expect(queue.claim({})).rejects.toMatchObject({ code: 'queue', hint: expect.stringContaining('?branch=') });
    const finished = taken.finish({ state: 'd' });
    await setTimeout(300);
    rmSync(hook);
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(made.read()).toBe('d a\n. b\n');
  });

  it('with a partly deleted clone is reported, with the folder to remove', async () => {
    const cache = ownCache();
    const made = repository({ 'runs.txt': '. a\n' });
    await (await open(made.name())).close();
    const [host = ''] = readdirSync(join(cache, 'runmaker/git'));
    const [clone = ''] = readdirSync(join(cache, 'runmaker/git', host));
    const folder = join(cache, 'runmaker/git', host, clone);
    rmSync(join(folder, 'objects'), { recursive: true });
    await expect(open(made.name())).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining(folder) });
    rmSync(folder, { recursive: true });
    await (await open(made.name())).close();
  });

  it.each<[string, (name: string) => string, number]>([
    ['a runner that was killed at it', name => name.replace(/(?:-\d+){4}$/, '-4194305-1-1-1'), 0],
    ['nobody knows whom, long ago', () => 'x', 3600],
    ['another runner, just now', name => `${name}0`, 0],
  ])('with a checkout left half made in its clone by %s is tolerated', async (_, nameIt, age) => {
    const made = repository({ 'runs.txt': '. a\n' });
    const taken = await claim(await openGit(made.name(), { resultsDir: 'results' }));
    const { directory = '' } = taken;
    const home = dirname(directory).replace(/\.checkouts$/, '');
    // As git begins one.
    const folder = join(home, 'worktrees', nameIt(basename(directory)));
    mkdirSync(folder);
    const files = { HEAD: '0'.repeat(40), commondir: '../..', gitdir: '/nowhere/.git', locked: 'initializing' };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), `${content}\n`);
    utimesSync(join(folder, 'HEAD'), Date.now() / 1000 - age, Date.now() / 1000 - age);
    if (folder.endsWith('0')) void setTimeout(300).then(() => rmSync(folder, { recursive: true }));
    await openGit(made.name());
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(existsSync(folder)).toBe(false);
  });

  it('with a remote lock left by a killed git is tolerated, reported, and finally an error that names the lock', {
    tags: ['long'],
  }, async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    const queue = await openQueue(made.name(), { patience: 2000, sleep: 20 });
    const notices: string[] = [];
    const taken = await claim(queue, { tell: notice => notices.push(JSON.stringify(notice)) });
    const lock = join(made.bare, 'refs/heads/main.lock');
    writeFileSync(lock, '');
    const finished = taken.finish({ state: 'd' });
    await eventually('it is told', () => notices.some(notice => notice.includes('trying on for')), 20_000);
    rmSync(lock);
    expect(await finished).toEqual({ kind: 'recorded' });
    writeFileSync(lock, '');
    await expect(queue.append([Buffer.from('c')])).rejects.toMatchObject({
      code: 'queue',
      message: expect.stringContaining('main.lock'),
      hint: expect.stringContaining('remove it'),
    });
    rmSync(lock);
    await queue.close();
    expect(made.read()).toBe('d a\n. b\n');
  });

  it('with a branch that is checked out on the remote produces a message with the remedy', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const queue = await open(`git+file://${made.clone}/.git#runs.txt`);
    await expect(queue.claim({})).rejects.toMatchObject({ code: 'queue', hint: expect.stringContaining('--bare') });
    await queue.close();
  });

  it('with a rewritten history produces a warning, and the job is found in the new one', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    const notices: string[] = [];
    const taken = await claim(await openGit(made.name()), {
      tell: notice => notices.push(notice.kind === 'news' ? notice.message : notice.kind),
    });
    made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
    made.git(made.clone, 'commit', '--quiet', '--amend', '-m', 'squashed');
    made.git(made.clone, 'push', '--quiet', '--force', 'origin', 'HEAD:main');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(made.history().slice(1)).toEqual(['squashed', expect.stringContaining('finished 1 job (1)')]);
    expect(notices).toEqual(['the history of main was rewritten on the remote']);
  });

  it('with a history that was rolled back refuses the result', async () => {
    const made = repository({ 'runs.txt': '. a\n. b\n' });
    const taken = await claim(await openGit(made.name()));
    made.git(made.bare, 'update-ref', 'refs/heads/main', 'main~1');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: expect.stringContaining('rewritten') });
    expect(made.read()).toBe('. a\n. b\n');
  });

  it.each<[string, string | null]>([
    ['is taken away', null],
    ['has merge markers', '<<<<<<< HEAD\nr a\n=======\n. a\n>>>>>>> x\n'],
  ])('with a file that %s waits for its repair', async (_, content) => {
    const made = repository({ 'runs.txt': '. a\n' });
    const taken = await claim(await openGit(made.name()));
    made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
    made.change('broken', { 'runs.txt': content });
    const finished = taken.finish({ state: 'd' });
    await setTimeout(500);
    made.change('mended', { 'runs.txt': 'r a\n' });
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(made.read()).toBe('d a\n');
  });

  it('with a file that stays missing refuses the result once patience runs out', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    const queue = await open(made.name());
    const taken = await claim(queue);
    made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
    made.change('gone', { 'runs.txt': null });
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: expect.stringContaining('is not in the repository') });
    await queue.close();
  });

  it('with options for another kind of queue is reported', async () => {
    const made = repository({ 'runs.txt': '. a\n' });
    await expect(openQueue(join(made.clone, 'runs.txt'), { maxJobAttempts: 2 })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('--max-job-attempts'),
    });
  });
});

describe('a queue.csv over git', LIMIT, () => {
  it('offers jobs as gitrunner’s utility does, and shows the ready ones', async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status\nold,[],{},done\n' });
    const queue = await openGit(made.name('queue.csv'));
    await queue.append([Buffer.from('dummy.py 1 --cheese="on,toast"')]);
    expect(made.read('queue.csv')).toBe('script,args,kwargs,status\nold,[],{},done\ndummy,"[""1""]","{""cheese"": ""on,toast""}",ready\n');
    expect((await jobsOf(queue, { states: ['.'] })).map(job => job.command.toString())).toEqual(['python dummy.py 1 --cheese=on,toast']);
    await expect(queue.append([Buffer.from('echo a | b')])).rejects.toMatchObject({ code: 'usage' });
  });

  it("has a running row without a lease reset only when it has stayed so for a lease, by the observer's clock", {
    tags: ['slow'],
  }, async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status\na,[],{},running\na,[],{},running\nb,[],{},ready\n' });
    const queue = await openGit(made.name('queue.csv'), { lease: 3000 });
    expect(queue.capabilities.silent).toContain('gitrunner');
    expect(await queue.reclaim()).toEqual([]);
    expect(await holdersOf(queue)).toEqual(['present', 'present', undefined]);
    const reclaimed: number[] = [];
    await eventually('the rows are reclaimed', async () => {
      for (const { id } of await queue.reclaim()) reclaimed.push(Number(id));
      return reclaimed.length > 0;
    });
    expect(reclaimed).toEqual([2, 3]);
    expect(made.read('queue.csv')).toBe('script,args,kwargs,status\na,[],{},ready\na,[],{},ready\nb,[],{},ready\n');
    made.edit('again', 'queue.csv', text => text.replaceAll('ready', 'running'));
    expect(await queue.reclaim()).toEqual([]);
  });

  it('keeps its observations apart from those of other queues on the same remote', { tags: ['slow'] }, async () => {
    const content = 'script,args,kwargs,status\na,[],{},running\n';
    const made = repository({ 'a.csv': content, 'b.csv': content });
    const reclaim = async (file: string): Promise<number> => (await (await openGit(made.name(file), { lease: 1000 })).reclaim()).length;
    for (const each of [0, 0, 1]) {
      expect([await reclaim('a.csv'), await reclaim('b.csv')]).toEqual([each, each]);
      await setTimeout(550);
    }
  });

  it('skips an invalid row, and names it', async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status\nbad,1,{},ready\nok,[],{},ready\n' });
    const notices: unknown[] = [];
    const queue = await openGit(made.name('queue.csv'));
    expect((await claim(queue, { tell: notice => notices.push(notice) })).job.number).toBe(3);
    expect(notices).toEqual([{ kind: 'unusable', line: 2, column: 2, message: 'args is not a JSON array: 1' }]);
  });
});

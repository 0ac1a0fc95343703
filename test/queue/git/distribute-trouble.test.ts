import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Choose, queueJobs } from '../../../src/queue/worker.js';
import { type Repository, repository } from '../../support/git.js';
import { inConflict, kill, leave, lists, workerIn } from '../../support/git-worker.js';
import { run } from '../../support/programs.js';
import { linesOf } from '../../support/runners.js';

const LIMIT = { timeout: 180_000 };

/**
 * Makes git fail from now on, as it does when the remote is unreachable.
 * @param calls each `fetch`, `push` or `ls-remote`, in the order in which they fail; others may come between. `push!` succeeds, and only
 *   its answer is lost; `after push` waits for one · @returns how many of them are still to come
 */
function remoteIsAway(made: Repository, calls: readonly string[]): () => number {
  const bin = join(made.folder, 'wrapped');
  const plan = join(bin, 'plan');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(bin);
  writeFileSync(plan, calls.map(call => `${call}\n`).join(''));
  const script = `#!/bin/sh
planned=$(head -n 1 ${plan})
command=\${planned#after }
command=\${command%!}
case " $* " in
  *" \${command:-none} "*) ;;
  *) exec ${real} "$@" ;;
esac
sed -i 1d ${plan}
case $planned in
  after*) exec ${real} "$@" ;;
  *!) ${real} "$@" > /dev/null 2>&1 ;;
esac
echo "fatal: the remote end hung up unexpectedly" >&2
exit 128
`;
  writeFileSync(join(bin, 'git'), script, { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${bin}:${before}`;
  onTestFinished(() => {
    process.env.PATH = before;
  });
  return () => linesOf(plan).length;
}

describe('a worker in trouble', LIMIT, () => {
  it('releases the lock when choosing fails', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    await expect(worker.nextJob(() => Promise.reject(new Error('no idea')))).rejects.toThrow('no idea');
    expect([made.read('lock.txt'), made.read('jobs.txt')]).toEqual(['', 'one\n']);
  });

  it("takes no job while a killed worker's merge is unresolved", async () => {
    const { made, bob } = await inConflict();
    kill(bob);
    const again = await workerIn(made, 'bob');
    await expect(again.nextJob(queueJobs())).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('results/best') });
    made.git(again.path, 'merge', '--abort');
    expect(await again.nextJob(queueJobs())).toBe(null);
  });

  it('that was killed and restarts in its clone pushes what it left to that job’s branch, and not to the next one’s', async () => {
    const made = repository(lists(['one', 'two']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    leave(killed, 'one', 'half');
    kill(killed);
    const again = await workerIn(made, 'ann');
    expect(await again.nextJob(queueJobs())).toBe('two');
    expect(made.read('results/one', 'ann/one')).toBe('half');
    leave(again, 'two', 'whole');
    await again.finish();
    expect(made.git(made.bare, 'ls-tree', '-r', '--name-only', 'main', 'results').trim()).toBe('results/two');
    expect(made.read('running.txt')).toBe('one\n');
  });

  it('that was killed between a commit and its push pushes the commit when it restarts', async () => {
    const made = repository(lists(['one', 'two']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    leave(killed, 'one', 'whole');
    made.git(killed.path, 'add', '--all');
    made.git(killed.path, 'commit', '--quiet', '-m', 'halfway');
    expect(made.refs('refs/heads/ann')).toEqual([]);
    kill(killed);
    expect(await (await workerIn(made, 'ann')).nextJob(queueJobs())).toBe('two');
    expect(made.read('results/one', 'ann/one')).toBe('whole');
  });

  it('keeps what an earlier attempt at a job has left, under a separate name', async () => {
    const made = repository(lists(['one']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    leave(killed, 'first', '1');
    made.git(killed.path, 'add', '--all');
    made.git(killed.path, 'commit', '--quiet', '-m', 'halfway');
    const left = `ann/one-left-${made.git(killed.path, 'rev-parse', '--short=12', 'HEAD').trim()}`;
    made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
    made.change('again', { 'jobs.txt': 'one\n', 'running.txt': '' });
    kill(killed);
    const again = await workerIn(made, 'ann');
    expect(await again.nextJob(queueJobs())).toBe('one');
    leave(again, 'second', '2');
    await again.finish();
    expect(made.refs('refs/heads/ann')).toEqual(['refs/heads/ann/one', `refs/heads/${left}`]);
    expect([made.read('results/first', left), made.read('results/second')]).toEqual(['1', '2']);
    expect(await again.nextJob(() => 'one')).toBe('one');
    expect(made.refs('refs/heads/ann')).toHaveLength(2);
  });

  it("resumes its predecessor's job on request, even in the middle of a merge", async () => {
    const { made, bob } = await inConflict();
    appendFileSync(join(bob.path, 'jobs.txt'), 'two\n');
    kill(bob);
    const again = await workerIn(made, 'bob');
    await expect(again.finish()).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('worker.resume()') });
    expect([await again.resume(), again.job]).toEqual(['one', 'one']);
    await expect(again.resume()).rejects.toMatchObject({ code: 'usage' });
    await expect(again.nextJob(queueJobs())).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('one') });
    leave(again, 'best', 'both\n');
    made.git(again.path, 'add', 'results/best');
    await again.finish();
    expect([made.read('results/best'), ...Object.keys(lists([])).map(file => made.read(file))]).toEqual([
      'both\n',
      'two\n',
      '',
      'one\n',
      '',
    ]);
    expect(await again.resume()).toBe(null);
  });

  it('resumes a job before which nothing was committed, whatever its name', async () => {
    const made = repository(lists(['a.b (c) \\d*']));
    const killed = await workerIn(made, 'ann');
    const job = await killed.nextJob(queueJobs());
    leave(killed, 'one', 'x');
    kill(killed);
    const again = await workerIn(made, 'ann');
    expect(await again.resume()).toBe(job);
    await again.finish();
    expect([made.read('results/one'), made.read('done.txt')]).toEqual(['x', `${job}\n`]);
  });

  it('does not resume a job that was reset, or that another worker has taken since', async () => {
    const made = repository(lists(['one']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    kill(killed);
    made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
    made.change('again', { 'jobs.txt': 'one\n', 'running.txt': '' });
    const again = await workerIn(made, 'ann');
    expect(await again.resume()).toBe(null);
    await (await workerIn(made, 'bob')).nextJob(queueJobs());
    expect(await again.resume()).toBe(null);
    expect(await again.nextJob(queueJobs())).toBe(null);
  });

  it('does not keep its program alive: one that forgets to close it exits when it has nothing else to do, and the clone is free then', {
    tags: ['slow'],
  }, async () => {
    const made = repository(lists(['one']));
    const program = join(made.folder, 'program.mjs');
    const options = JSON.stringify({ url: made.bare, path: join(made.folder, 'ann'), name: 'ann' });
    const library = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
    writeFileSync(
      program,
      `import { gitWorker, queueJobs } from '${library}';
const worker = await gitWorker(${options});
console.log(await worker.nextJob(queueJobs()));
await worker.finish();
console.log(await worker.nextJob(queueJobs()));
`,
    );
    expect(await run(process.execPath, [program])).toMatchObject({ status: 0, stdout: 'one\nnull\n', stderr: '' });
    const next = await workerIn(made, 'ann');
    expect(made.git(next.path, 'for-each-ref', '--format=x', 'refs/runmaker-seen').trim()).toBe('x');
  });

  it('takes no job while there are changed files that belong to none, and names them', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    writeFileSync(join(worker.path, 'stray'), 'x');
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('stray') });
    expect([made.read('jobs.txt'), made.read('lock.txt')]).toEqual(['one\n', '']);
  });

  it('commits nothing while a job’s repository lies among its files, and commits the files when it no longer is a repository', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    await worker.nextJob(queueJobs());
    leave(worker, 'one', 'x');
    const inner = join(worker.path, 'results', 'inner');
    made.git(worker.path, 'init', '--quiet', inner);
    const refused = { code: 'input', message: expect.stringMatching(/another repository.*: results\/inner\/$/) };
    await expect(worker.commitUpdate('halfway')).rejects.toMatchObject(refused);
    writeFileSync(join(inner, 'file'), 'y');
    made.git(inner, 'add', '--all');
    made.git(inner, 'commit', '--quiet', '-m', 'inner');
    await expect(worker.finish()).rejects.toMatchObject(refused);
    rmSync(join(inner, '.git'), { recursive: true });
    made.git(worker.path, 'init', '--quiet', join(worker.path, 'ignored'));
    writeFileSync(join(worker.path, '.gitignore'), '/ignored\n');
    await worker.finish();
    expect([made.read('results/one'), made.read('results/inner/file'), made.read('running.txt')]).toEqual(['x', 'y', '']);
  });

  it('takes no job while git is locked out of its clone, and names the lock file', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    const lock = join(worker.path, '.git', 'index.lock');
    writeFileSync(lock, '');
    for (let time = 0; time < 2; time++) {
      await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({
        name: 'RunmakerError',
        message: expect.stringContaining(lock),
        hint: expect.stringContaining('remove that file'),
      });
    }
    expect([made.read('jobs.txt'), made.read('running.txt'), made.history()]).toEqual(['one\ntwo\n', '', ['begin']]);
    rmSync(lock);
    expect(await worker.nextJob(queueJobs())).toBe('one');
  });

  it('takes no job whose branch cannot be checked out', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    made.git(worker.path, 'branch', 'ann');
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({
      name: 'RunmakerError',
      message: expect.stringContaining("'refs/heads/ann'"),
    });
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['one\n', '', '']);
  });

  it('takes no job while the remote has a branch of its own name, which blocks its pushes', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    made.git(made.bare, 'branch', 'ann', 'main');
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('a branch ann') });
    expect([made.read('jobs.txt'), made.read('lock.txt'), made.history()]).toEqual(['one\n', '', ['begin']]);
    made.git(made.bare, 'branch', '-D', 'ann');
    await worker.nextJob(queueJobs());
    made.git(made.bare, 'branch', 'ann', 'main');
    await expect(worker.commitUpdate('halfway')).rejects.toMatchObject({
      code: 'queue',
      message: expect.stringContaining("'refs/heads/ann' exists"),
    });
  });

  it('returns a job that it has taken and then cannot check out', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    const lock = join(worker.path, '.git', 'index.lock');
    const hook = `#!/bin/sh\ncase $(git log -1 --format=%s "$3") in "ann: take"*) touch ${lock} ;; esac\n`;
    writeFileSync(join(made.bare, 'hooks', 'update'), hook, { mode: 0o755 });
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({ name: 'RunmakerError', message: expect.stringContaining(lock) });
    expect(made.history().at(-1)).toBe('ann: give back one');
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['one\ntwo\n', '', '']);
    rmSync(join(made.bare, 'hooks', 'update'));
    rmSync(lock);
    expect(await worker.nextJob(queueJobs())).toBe('one');
  });

  it('resumes a job that it could neither check out nor return', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    const lock = join(worker.path, '.git', 'index.lock');
    const hook = `#!/bin/sh
[ -e ${lock} ] && exit 1
case $(git log -1 --format=%s "$3") in "ann: take"*) touch ${lock} ;; esac
`;
    writeFileSync(join(made.bare, 'hooks', 'update'), hook, { mode: 0o755 });
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({
      message: expect.stringMatching(/index\.lock.*one could not be given back/),
    });
    rmSync(lock);
    expect(await worker.nextJob(queueJobs())).toBe('one');
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['two\n', 'one\n', '']);
  });

  it.each([
    ['a look before it has the lock', ['fetch']],
    ['a push of the lock', ['push']],
    ['a look while it has the lock', ['after push', 'fetch']],
    ['a push of the job that it takes', ['after push', 'push']],
  ])('takes a job although %s fails', async (_, calls) => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    const toCome = remoteIsAway(made, calls);
    expect(await worker.nextJob(queueJobs())).toBe('one');
    expect([toCome(), made.read('running.txt'), made.read('lock.txt')]).toEqual([0, 'one\n', '']);
  });

  it('saves and finishes its job although pushes fail', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    await worker.nextJob(queueJobs());
    leave(worker, 'one', 'x');
    const toCome = remoteIsAway(made, ['push', 'after push', 'push', 'after push', 'push', 'fetch', 'push']);
    await worker.commitUpdate('halfway');
    await worker.finish();
    expect([toCome(), made.read('running.txt'), made.read('done.txt')]).toEqual([0, '', 'one\n']);
  });

  it('takes and finishes a job once even if the answer to a push is lost and the remote is then unreachable', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    const lost = ['after push', 'push!', 'fetch', 'fetch'];
    const toCome = remoteIsAway(made, [...lost, 'after push', ...lost]);
    expect(await worker.nextJob(queueJobs())).toBe('one');
    expect(made.read('running.txt')).toBe('one\n');
    await worker.finish();
    expect([toCome(), made.read('running.txt'), made.read('done.txt')]).toEqual([0, '', 'one\n']);
  });

  it('restarts in its clone although the remote is unreachable at first', async () => {
    const made = repository(lists(['one']));
    await (await workerIn(made, 'ann')).close();
    const toCome = remoteIsAway(made, ['ls-remote', 'fetch']);
    expect(await (await workerIn(made, 'ann')).nextJob(queueJobs())).toBe('one');
    expect(toCome()).toBe(0);
  });

  it('reports the failure of the remote when its patience runs out', { tags: ['slow'] }, async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann', 300);
    const away = { name: 'RunmakerError', code: 'queue', message: expect.stringContaining('cannot be reached'), hint: expect.any(String) };
    renameSync(made.bare, `${made.bare}.away`);
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject(away);
    renameSync(`${made.bare}.away`, made.bare);
    const choose: Choose = ({ jobs }) => {
      renameSync(made.bare, `${made.bare}.away`);
      return jobs[0] ?? null;
    };
    await expect(worker.nextJob(choose)).rejects.toMatchObject(away);
    renameSync(`${made.bare}.away`, made.bare);
    expect(await worker.nextJob(queueJobs())).toBe('one');
    renameSync(made.bare, `${made.bare}.away`);
    await expect(worker.commitUpdate('halfway')).rejects.toMatchObject(away);
    await expect(worker.finish()).rejects.toMatchObject(away);
    renameSync(`${made.bare}.away`, made.bare);
    await worker.finish();
    expect(made.read('done.txt')).toBe('one\n');
  });

  it('gives up when fetches fail for longer than its patience while it holds the lock, and takes the lock back when it is called again', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann', 300);
    const toCome = remoteIsAway(made, ['after push', ...Array<string>(20).fill('fetch')]);
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({ name: 'RunmakerError', code: 'queue' });
    expect([made.read('lock.txt'), made.read('jobs.txt'), toCome() > 0]).toEqual(['ann\n', 'one\n', true]);
    writeFileSync(join(made.folder, 'wrapped', 'plan'), '');
    expect(await worker.nextJob(queueJobs())).toBe('one');
  });

  it('resumes the job that it has taken, and finishes it once, though its patience ran out before the confirmation', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann', 300);
    const awayFrom = (call: string, ...before: string[]): string[] => [...before, `${call}!`, ...Array<string>(20).fill('fetch')];
    const plan = join(made.folder, 'wrapped', 'plan');
    remoteIsAway(made, awayFrom('push', 'after push'));
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({ code: 'queue' });
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['two\n', 'one\n', '']);
    writeFileSync(plan, '');
    expect(await worker.nextJob(queueJobs())).toBe('one');
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['two\n', 'one\n', '']);
    leave(worker, 'one', 'x');
    writeFileSync(join(worker.path, 'jobs.txt'), 'two\nthree\n');
    writeFileSync(plan, `${awayFrom('push', 'after push', 'after push').join('\n')}\n`);
    await expect(worker.finish()).rejects.toMatchObject({ code: 'queue' });
    expect(made.read('done.txt')).toBe('one\n');
    writeFileSync(plan, '');
    leave(worker, 'one', 'y');
    await worker.finish();
    expect(Object.keys(lists([])).map(file => made.read(file))).toEqual(['two\nthree\n', '', 'one\n', '']);
    expect(made.read('results/one')).toBe('y');
  });
});

import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunmakerError } from '../../../src/errors.js';
import { type Choose, type GitWorker, gitWorker, queueJobs, randomJobs } from '../../../src/queue/worker.js';
import { type Repository, repository } from '../../support/git.js';
import { fixture, start } from '../../support/programs.js';
import { linesOf } from '../../support/runners.js';

const LIMIT = { timeout: 180_000 };
const PATIENCE = 60_000;

function lists(jobs: readonly string[]): Record<string, string> {
  return { 'jobs.txt': jobs.map(job => `${job}\n`).join(''), 'running.txt': '', 'done.txt': '', 'lock.txt': '' };
}

async function workerIn(made: Repository, name: string): Promise<GitWorker> {
  const worker = await gitWorker({ url: made.bare, path: join(made.folder, name), name, patience: PATIENCE });
  onTestFinished(() => worker.close());
  return worker;
}

function leave(worker: GitWorker, file: string, content: string): void {
  mkdirSync(join(worker.path, 'results'), { recursive: true });
  writeFileSync(join(worker.path, 'results', file), content);
}

/**
 * Has git fail from now on, as it does when the remote is away.
 * @param calls `fetch`, `push` or `ls-remote` each, in the order in which they are to fail, others may come between. `push!` comes through, and only
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

async function workThrough(worker: GitWorker, choose: Choose): Promise<string[]> {
  const jobs: string[] = [];
  for (let job = await worker.nextJob(choose); job !== null; job = await worker.nextJob(choose)) {
    jobs.push(job);
    leave(worker, job, worker.name);
    await worker.finish();
  }
  return jobs;
}

/** Has a worker merge a branch that it has a conflict with, in results/best. */
async function inConflict(): Promise<{ made: Repository; bob: GitWorker }> {
  const made = repository({ ...lists(['one']), 'results/best': '0\n' });
  const bob = await workerIn(made, 'bob');
  await bob.nextJob(queueJobs());
  made.edit('better', 'results/best', () => 'pat\n');
  leave(bob, 'best', 'bob\n');
  await bob.commitUpdate('halfway');
  made.git(bob.path, 'fetch', '--quiet', 'origin');
  expect(() => made.git(bob.path, 'merge', '--quiet', 'origin/main')).toThrow();
  return { made, bob };
}

describe('a worker', LIMIT, () => {
  it('takes a job from jobs.txt to running.txt, and at last to done.txt, with what it has written', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    expect(await worker.nextJob(queueJobs())).toBe('one');
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['two\n', 'one\n', '']);
    expect(made.git(worker.path, 'branch', '--show-current').trim()).toBe('ann/one');
    leave(worker, 'one', 'half');
    await worker.commitUpdate('halfway');
    expect(made.read('results/one', 'ann/one')).toBe('half');
    leave(worker, 'one', 'whole');
    await worker.finish();
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('done.txt'), made.read('lock.txt')]).toEqual([
      'two\n',
      '',
      'one\n',
      '',
    ]);
    expect(made.read('results/one')).toBe('whole');
    expect(made.git(worker.path, 'status', '--porcelain')).toBe('');
  });

  it('puts the latest job on top, and says null when there are no more', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    expect(await workThrough(worker, queueJobs())).toEqual(['one', 'two']);
    expect(made.read('done.txt')).toBe('two\none\n');
    expect(made.read('lock.txt')).toBe('');
  });

  it('takes what the user’s own function thinks of, also what no list has', async () => {
    const made = repository(lists([]));
    const worker = await workerIn(made, 'ann');
    expect(await worker.nextJob(({ done }) => (done.length === 0 ? 'lr = 0.1/x' : null))).toBe('lr = 0.1/x');
    expect(made.git(worker.path, 'branch', '--show-current').trim()).toMatch(/^ann\/lr-=-0-1-x-[0-9a-f]{8}$/);
    await worker.finish();
    expect(made.read('done.txt')).toBe('lr = 0.1/x\n');
  });

  it('lets nobody else choose while it does', async () => {
    const made = repository(lists(['one', 'two', 'three']));
    let choosing = 0;
    let most = 0;
    const choose: Choose = async ({ jobs }) => {
      most = Math.max(most, ++choosing);
      await new Promise(resolve => setTimeout(resolve, 200));
      choosing--;
      return jobs[0] ?? null;
    };
    const workers = [await workerIn(made, 'ann'), await workerIn(made, 'bob'), await workerIn(made, 'cem')];
    const jobs = await Promise.all(workers.map(worker => worker.nextJob(choose)));
    expect(jobs.sort()).toEqual(['one', 'three', 'two']);
    expect(most).toBe(1);
  });

  it('gives the lock back when choosing fails', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    await expect(worker.nextJob(() => Promise.reject(new Error('no idea')))).rejects.toThrow('no idea');
    expect([made.read('lock.txt'), made.read('jobs.txt')]).toEqual(['', 'one\n']);
  });

  it('respects the lock of others, takes its own back after a crash, and says who has it when it takes too long', async () => {
    const made = repository({ ...lists(['one']), 'lock.txt': 'ann\n' });
    const other = await gitWorker({ url: made.bare, path: join(made.folder, 'bob'), name: 'bob', patience: 300 });
    onTestFinished(() => other.close());
    await expect(other.nextJob(queueJobs())).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining('ann has the lock') });
    expect(await (await workerIn(made, 'ann')).nextJob(queueJobs())).toBe('one');
  });

  it('goes on when somebody commits in spite of the lock, without choosing again', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    let asked = 0;
    const job = await worker.nextJob(({ jobs }) => {
      asked++;
      made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
      made.change('in spite', { note: 'x' });
      return jobs[0] ?? null;
    });
    expect([job, asked, made.read('note'), made.read('running.txt')]).toEqual(['one', 1, 'x', 'one\n']);
  });

  it('may add jobs to jobs.txt on its branch: they come to the end of the list, once, when it finishes', async () => {
    const made = repository({ ...lists(['one', 'two', 'three']), 'results/best': '0\n' });
    const [ann, bob] = [await workerIn(made, 'ann'), await workerIn(made, 'bob')] as const;
    await ann.nextJob(queueJobs());
    await bob.nextJob(queueJobs());
    appendFileSync(join(ann.path, 'jobs.txt'), 'three\nfour\none\n');
    leave(ann, 'best', 'ann\n');
    appendFileSync(join(bob.path, 'jobs.txt'), 'five\n');
    await bob.finish();
    expect(made.read('jobs.txt')).toBe('three\nfive\n');
    made.edit('better', 'results/best', () => 'pat\n');
    await expect(ann.finish()).rejects.toMatchObject({ message: expect.stringContaining('results/best') });
    expect(made.read('jobs.txt')).toBe('three\nfive\n');
    made.git(ann.path, 'fetch', '--quiet', 'origin');
    made.git(ann.path, 'merge', '--quiet', '-X', 'ours', '--no-edit', 'origin/main');
    await ann.finish();
    expect(made.read('jobs.txt')).toBe('three\nfive\nthree\nfour\none\n');
    expect([made.read('running.txt'), made.read('done.txt')]).toEqual(['', 'one\ntwo\n']);
  });

  it('changes nothing else in the lists from its branch', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    await worker.nextJob(queueJobs());
    for (const [file, text] of [
      ['jobs', ''],
      ['running', 'x\n'],
      ['done', 'x\n'],
      ['lock', 'x\n'],
    ])
      writeFileSync(join(worker.path, `${file}.txt`), `${text}`);
    await worker.finish();
    expect(Object.keys(lists([])).map(file => made.read(file))).toEqual(['two\n', '', 'one\n', '']);
  });

  it('that finishes at the same time as another succeeds as the other does', async () => {
    const made = repository(lists(['one', 'two']));
    const workers = [await workerIn(made, 'ann'), await workerIn(made, 'bob')];
    for (const worker of workers) leave(worker, (await worker.nextJob(queueJobs())) as string, 'x');
    await Promise.all(workers.map(worker => worker.finish()));
    expect(made.read('done.txt').trim().split('\n').sort()).toEqual(['one', 'two']);
    expect([made.read('results/one'), made.read('results/two'), made.read('running.txt')]).toEqual(['x', 'x', '']);
  });

  it('that cannot be merged names the files; the job stays in running.txt and nothing is lost', async () => {
    const made = repository({ ...lists(['one', 'two']), 'results/best': '0\n' });
    const [ann, bob] = [await workerIn(made, 'ann'), await workerIn(made, 'bob')] as const;
    for (const worker of [ann, bob]) {
      await worker.nextJob(queueJobs());
      leave(worker, 'best', `${worker.name}\n`);
    }
    await ann.finish();
    await expect(bob.finish()).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining('results/best') });
    expect([made.read('results/best'), made.read('results/best', 'bob/two'), made.read('running.txt'), made.read('lock.txt')]).toEqual([
      'ann\n',
      'bob\n',
      'two\n',
      '',
    ]);
    made.git(bob.path, 'fetch', '--quiet', 'origin');
    made.git(bob.path, 'merge', '--quiet', '-X', 'ours', '--no-edit', 'origin/main');
    await bob.finish();
    expect([made.read('results/best'), made.read('running.txt'), made.read('done.txt')]).toEqual(['bob\n', '', 'two\none\n']);
  });

  it('that cannot be merged says which commands mend that, and they do', async () => {
    const made = repository({ ...lists(['one']), 'results/best': '0\n' });
    const bob = await workerIn(made, 'bob');
    await bob.nextJob(queueJobs());
    leave(bob, 'best', 'bob\n');
    made.edit('better', 'results/best', () => 'pat\n');
    const { hint } = await bob.finish().then(
      () => expect.unreachable(),
      (error: RunmakerError) => error,
    );
    const [fetch, merge, add, ...more] = [...`${hint}`.matchAll(/"git ([^"]*)"/g)].map(([, words]) => `${words}`.split(' '));
    expect([hint, add, more]).toEqual([expect.stringContaining(bob.path), ['add'], []]);
    made.git(bob.path, ...(fetch as string[]));
    expect(() => made.git(bob.path, ...(merge as string[]))).toThrow();
    leave(bob, 'best', 'both\n');
    made.git(bob.path, 'add', 'results/best');
    await bob.finish();
    expect([made.read('results/best'), made.read('running.txt'), made.read('done.txt')]).toEqual(['both\n', '', 'one\n']);
  });

  it('commits nothing while a merge is not resolved, names the files, and finishes once it is', async () => {
    const { made, bob } = await inConflict();
    const refused = { code: 'input', message: expect.stringMatching(/not resolved: results\/best$/) };
    await expect(bob.commitUpdate('on')).rejects.toMatchObject(refused);
    await expect(bob.finish()).rejects.toMatchObject(refused);
    expect([made.read('results/best'), made.read('results/best', 'bob/one'), made.read('running.txt')]).toEqual([
      'pat\n',
      'bob\n',
      'one\n',
    ]);
    leave(bob, 'best', 'both\n');
    made.git(bob.path, 'add', 'results/best');
    await bob.finish();
    expect([made.read('results/best'), made.read('running.txt'), made.read('done.txt')]).toEqual(['both\n', '', 'one\n']);
  });

  it('finishes also when a merge was resolved by keeping what the job has', async () => {
    const { made, bob } = await inConflict();
    made.git(bob.path, 'checkout', '--quiet', '--ours', 'results/best');
    made.git(bob.path, 'add', 'results/best');
    await bob.finish();
    expect([made.read('results/best'), made.read('done.txt')]).toEqual(['bob\n', 'one\n']);
  });

  it('commits nothing to the branch of its job while another one is checked out', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    await worker.nextJob(queueJobs());
    leave(worker, 'one', 'x');
    made.git(worker.path, 'checkout', '--quiet', '-b', 'aside');
    await expect(worker.finish()).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('aside') });
    made.git(worker.path, 'checkout', '--quiet', 'ann/one');
    await worker.finish();
    expect(made.read('results/one')).toBe('x');
  });

  it('takes no job while a killed one has left a merge that is not resolved', async () => {
    const { made } = await inConflict();
    const again = await workerIn(made, 'bob');
    await expect(again.nextJob(queueJobs())).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('results/best') });
    made.git(again.path, 'merge', '--abort');
    expect(await again.nextJob(queueJobs())).toBe(null);
  });

  it('works beside workers that do as Distribute is documented: every job once', async () => {
    const jobs = Array.from({ length: 12 }, (_, at) => `job${at}`);
    const made = repository(lists(jobs));
    const theirs = start(fixture('distribute.sh'), [made.bare, join(made.folder, 'theirs'), 'theirs']);
    const ours = [await workerIn(made, 'ann'), await workerIn(made, 'bob')];
    const ran = (
      await Promise.all([workThrough(ours[0] as GitWorker, queueJobs()), workThrough(ours[1] as GitWorker, randomJobs())])
    ).flat();
    expect(await theirs.ended).toMatchObject({ status: 0 });
    const done = made.read('done.txt').trim().split('\n');
    expect([...done].sort()).toEqual([...jobs].sort());
    expect([made.read('jobs.txt'), made.read('running.txt'), made.read('lock.txt')]).toEqual(['', '', '']);
    expect(new Set(ran).size).toBe(ran.length);
    for (const job of jobs) expect(made.read(`results/${job}`).trim() === 'theirs').toBe(!ran.includes(job));
    made.git(made.bare, 'fsck', '--strict');
  });

  it('that was killed and starts again in its clone has what it left pushed to that job’s branch, and not to the next one’s', async () => {
    const made = repository(lists(['one', 'two']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    leave(killed, 'one', 'half');
    const again = await workerIn(made, 'ann');
    expect(await again.nextJob(queueJobs())).toBe('two');
    expect(made.read('results/one', 'ann/one')).toBe('half');
    leave(again, 'two', 'whole');
    await again.finish();
    expect(made.git(made.bare, 'ls-tree', '-r', '--name-only', 'main', 'results').trim()).toBe('results/two');
    expect(made.read('running.txt')).toBe('one\n');
  });

  it('that was killed between a commit and its push has the commit pushed when it starts again', async () => {
    const made = repository(lists(['one', 'two']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    leave(killed, 'one', 'whole');
    made.git(killed.path, 'add', '--all');
    made.git(killed.path, 'commit', '--quiet', '-m', 'halfway');
    expect(made.refs('refs/heads/ann')).toEqual([]);
    expect(await (await workerIn(made, 'ann')).nextJob(queueJobs())).toBe('two');
    expect(made.read('results/one', 'ann/one')).toBe('whole');
  });

  it('keeps what an earlier try at a job has left, under a name of its own', async () => {
    const made = repository(lists(['one']));
    const killed = await workerIn(made, 'ann');
    await killed.nextJob(queueJobs());
    leave(killed, 'first', '1');
    made.git(killed.path, 'add', '--all');
    made.git(killed.path, 'commit', '--quiet', '-m', 'halfway');
    const left = `ann/one-left-${made.git(killed.path, 'rev-parse', '--short=12', 'HEAD').trim()}`;
    made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
    made.change('again', { 'jobs.txt': 'one\n', 'running.txt': '' });
    const again = await workerIn(made, 'ann');
    expect(await again.nextJob(queueJobs())).toBe('one');
    leave(again, 'second', '2');
    await again.finish();
    expect(made.refs('refs/heads/ann')).toEqual(['refs/heads/ann/one', `refs/heads/${left}`]);
    expect([made.read('results/first', left), made.read('results/second')]).toEqual(['1', '2']);
    expect(await again.nextJob(() => 'one')).toBe('one');
    expect(made.refs('refs/heads/ann')).toHaveLength(2);
  });

  it('takes no job while files are changed that belong to none, and names them', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    writeFileSync(join(worker.path, 'stray'), 'x');
    await expect(worker.nextJob(queueJobs())).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('stray') });
    expect([made.read('jobs.txt'), made.read('lock.txt')]).toEqual(['one\n', '']);
  });

  it('takes no job while git is locked out of its clone, and names the file that does it', async () => {
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

  it('gives a job back that it has taken and then cannot check out', async () => {
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

  it('takes and finishes a job once when the answer to a push is lost, and the remote is away for a while then', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    const lost = ['after push', 'push!', 'fetch', 'fetch'];
    const toCome = remoteIsAway(made, [...lost, 'after push', ...lost]);
    expect(await worker.nextJob(queueJobs())).toBe('one');
    expect(made.read('running.txt')).toBe('one\n');
    await worker.finish();
    expect([toCome(), made.read('running.txt'), made.read('done.txt')]).toEqual([0, '', 'one\n']);
  });

  it('starts again in its clone although the remote is away at first', async () => {
    const made = repository(lists(['one']));
    await workerIn(made, 'ann');
    const toCome = remoteIsAway(made, ['ls-remote', 'fetch']);
    expect(await (await workerIn(made, 'ann')).nextJob(queueJobs())).toBe('one');
    expect(toCome()).toBe(0);
  });

  it('says what is wrong with the remote when its patience is over', async () => {
    const made = repository(lists(['one']));
    const worker = await gitWorker({ url: made.bare, path: join(made.folder, 'ann'), name: 'ann', patience: 300 });
    onTestFinished(() => worker.close());
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

  it('is refused a name that no branch can have, and a folder that is something else', async () => {
    const made = repository(lists([]));
    for (const name of ['', 'a b', '-a', 'a..b', 'x.lock']) {
      await expect(gitWorker({ url: made.bare, path: join(made.folder, 'new'), name })).rejects.toMatchObject({ code: 'usage' });
    }
    await expect(gitWorker({ url: made.bare, path: made.bare, name: 'ann' })).rejects.toMatchObject({ code: 'input' });
    await expect(gitWorker({ url: `${made.bare}.none`, path: join(made.folder, 'new'), name: 'ann' })).rejects.toMatchObject({
      code: 'input',
    });
  });
});

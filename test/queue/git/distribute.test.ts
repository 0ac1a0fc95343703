import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RunmakerError, systemError } from '../../../src/errors.js';
import { lockClone } from '../../../src/queue/git/distribute/clone-lock.js';
import { newRunnerName } from '../../../src/queue/git/plumbing/runner-name.js';
import { type Choose, type GitWorker, type GitWorkerOptions, gitWorker, queueJobs, randomJobs } from '../../../src/queue/worker.js';
import { type RecordLocks, recordLocks } from '../../../src/system/record-lock.js';
import { repository } from '../../support/git.js';
import { inConflict, kill, leave, lists, workerIn } from '../../support/git-worker.js';
import { fixture, HOST, start } from '../../support/programs.js';
import { longRun } from '../../support/runners.js';
import { temporaryFolder } from '../../support/temporary.js';

const LIMIT = { timeout: 180_000 };

async function workThrough(worker: GitWorker, choose: Choose): Promise<string[]> {
  const jobs: string[] = [];
  for (let job = await worker.nextJob(choose); job !== null; job = await worker.nextJob(choose)) {
    jobs.push(job);
    leave(worker, job, worker.name);
    await worker.finish();
  }
  return jobs;
}

describe('a worker', LIMIT, () => {
  it('moves a job from jobs.txt to running.txt, and finally to done.txt, with its results', async () => {
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

  it('puts the latest job on top, and returns null when there are no more', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    expect(await workThrough(worker, queueJobs())).toEqual(['one', 'two']);
    expect(made.read('done.txt')).toBe('two\none\n');
    expect(made.read('lock.txt')).toBe('');
  });

  it('takes the job that the user’s function returns, even one from no list', async () => {
    const made = repository(lists([]));
    const worker = await workerIn(made, 'ann');
    expect(await worker.nextJob(({ done }) => (done.length === 0 ? 'lr = 0.1/x' : null))).toBe('lr = 0.1/x');
    expect(made.git(worker.path, 'branch', '--show-current').trim()).toMatch(/^ann\/lr-=-0-1-x-[0-9a-f]{8}$/);
    await worker.finish();
    expect(made.read('done.txt')).toBe('lr = 0.1/x\n');
  });

  it('keeps other workers from choosing while it does', { tags: ['slow'] }, async () => {
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

  it('respects the lock of others, retakes its own after a crash, and names the holder when it takes too long', async () => {
    const made = repository({ ...lists(['one']), 'lock.txt': 'ann\n' });
    const other = await workerIn(made, 'bob', 300);
    await expect(other.nextJob(queueJobs())).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining('ann has the lock') });
    expect(await (await workerIn(made, 'ann')).nextJob(queueJobs())).toBe('one');
  });

  it('continues when another commit ignores the lock, without choosing again', async () => {
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

  it('may add jobs to jobs.txt on its branch: they are appended to the list, once, when it finishes', async () => {
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

  it('that finishes at the same time as another succeeds like the other', async () => {
    const made = repository(lists(['one', 'two']));
    const workers = [await workerIn(made, 'ann'), await workerIn(made, 'bob')];
    for (const worker of workers) leave(worker, (await worker.nextJob(queueJobs())) as string, 'x');
    await Promise.all(workers.map(worker => worker.finish()));
    expect(made.read('done.txt').trim().split('\n').sort()).toEqual(['one', 'two']);
    expect([made.read('results/one'), made.read('results/two'), made.read('running.txt')]).toEqual(['x', 'x', '']);
  });

  it('that cannot merge names the files; the job stays in running.txt and nothing is lost', async () => {
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

  it('that cannot merge prints the commands that repair it, and they work', async () => {
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

  it('commits nothing while a merge is unresolved, names the files, and finishes once it is resolved', async () => {
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

  it("also finishes when a merge was resolved by keeping the job's version", async () => {
    const { made, bob } = await inConflict();
    made.git(bob.path, 'checkout', '--quiet', '--ours', 'results/best');
    made.git(bob.path, 'add', 'results/best');
    await bob.finish();
    expect([made.read('results/best'), made.read('done.txt')]).toEqual(['bob\n', 'one\n']);
  });

  it('commits nothing to the branch of its job while another branch is checked out', async () => {
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

  it('checks the lock again before it pushes its choice: if another worker holds it, it waits and chooses anew', async () => {
    const made = repository(lists(['one', 'two']));
    const worker = await workerIn(made, 'ann');
    const seen: string[][] = [];
    const job = await worker.nextJob(({ jobs }) => {
      seen.push([...jobs]);
      if (seen.length === 1) {
        // The lock was taken away from ann, and bob takes it and a job.
        made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
        made.change('bob: lock', { 'lock.txt': 'bob\n' });
        setTimeout(() => made.change('bob: take one', { 'lock.txt': '', 'jobs.txt': 'two\n', 'running.txt': 'one\n' }), 1000);
      }
      return jobs[0] ?? null;
    });
    expect([job, seen]).toEqual(['two', [['one', 'two'], ['two']]]);
    expect([made.read('running.txt'), made.read('lock.txt')]).toEqual(['two\none\n', '']);
  });

  it('respects a lock that another worker holds by the time that choosing fails', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    await expect(
      worker.nextJob(() => {
        made.git(made.clone, 'pull', '--quiet', 'origin', 'main');
        made.change('bob: lock', { 'lock.txt': 'bob\n' });
        throw new Error('no idea');
      }),
    ).rejects.toThrow('no idea');
    expect(made.read('lock.txt')).toBe('bob\n');
  });

  it('needs jobs.txt only to choose from it, and does not create it', async () => {
    const made = repository({ 'readme.txt': 'x\n' });
    const worker = await workerIn(made, 'ann');
    for (const choose of [queueJobs(), randomJobs()]) {
      await expect(worker.nextJob(choose)).rejects.toMatchObject({ code: 'input', message: 'there is no jobs.txt in the repository' });
    }
    expect(await worker.nextJob(({ done }) => (done.length === 0 ? 'mine' : null))).toBe('mine');
    await worker.finish();
    expect(made.read('done.txt')).toBe('mine\n');
    expect(made.git(made.bare, 'ls-tree', '--name-only', 'main').trim().split('\n')).not.toContain('jobs.txt');
  });

  it('has exclusive use of its name, until it is closed or its process has ended', async () => {
    const made = repository(lists(['one']));
    const options = (clone: string): GitWorkerOptions => ({
      url: made.bare,
      path: join(made.folder, clone),
      name: 'ann',
      patience: 60_000,
    });
    const worker = await gitWorker(options('here'));
    await expect(gitWorker(options('there'))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('a worker named ann'),
    });
    await worker.close();
    expect(made.refs('refs/runmaker-workers')).toEqual([]);
    await (await gitWorker(options('there'))).close();
    const script = `import('./dist/index.js').then(m => m.gitWorker(JSON.parse(process.argv[1]))).then(() => process.exit())`;
    execFileSync(process.execPath, ['-e', script, JSON.stringify(options('killed'))], { stdio: 'inherit' });
    expect(made.refs('refs/runmaker-workers')).toEqual(['refs/runmaker-workers/ann']);
    await (await gitWorker(options('here'))).close();
  });

  it('shares the lock fairly with a worker that doubles its pauses, and with its own kind, when jobs take no time', {
    tags: ['long'],
    timeout: 400_000,
  }, async () => {
    const jobs = Array.from({ length: 20 }, (_, at) => `job${at}`);
    const made = repository(lists(jobs));
    const theirs = longRun(fixture('distribute.sh'), [made.bare, join(made.folder, 'theirs'), 'theirs']);
    const ours = await Promise.all(['ann', 'bob', 'cid'].map(name => workerIn(made, name, 300_000)));
    const shares = (await Promise.all(ours.map(worker => workThrough(worker, queueJobs())))).map(({ length }) => length);
    expect(await theirs).toMatchObject({ status: 0, stderr: '' });
    shares.push(jobs.length - shares.reduce((sum, share) => sum + share, 0));
    expect([...made.read('done.txt').trim().split('\n')].sort()).toEqual([...jobs].sort());
    // A quarter each would be 5; without pauses one worker gets none.
    expect(Math.min(...shares), `${shares}`).toBeGreaterThanOrEqual(1);
  });

  it("works beside workers that follow Distribute's documentation: every job runs once", { tags: ['long'] }, async () => {
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

  it.each<[object | undefined, RegExp]>([
    [undefined, /^undefined cannot be the url/],
    [{ url: '' }, /^"" cannot be the url/],
    [{ path: undefined }, /^undefined cannot be the path/],
    [{ path: 7 }, /^7 cannot be the path/],
    [{ name: undefined }, /^undefined cannot be the name/],
    [{ name: '' }, /^"" cannot be the name/],
    [{ name: 'a b' }, /^"a b" cannot be the name/],
    [{ name: '-a' }, /name/],
    [{ name: 'a..b' }, /name/],
    [{ name: 'x.lock' }, /name/],
    [{ patience: 'long' }, /^"long" cannot be the patience/],
    [{ url: 'git+ssh://host/team/queue.git#runs.txt' }, /ends with the repository/],
  ])('rejects invalid options: %j', async (wrong, message) => {
    const options = wrong && { url: '/nowhere', path: '/nowhere', name: 'ann', ...wrong };
    await expect(gitWorker(options as GitWorkerOptions)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
  });

  it('accepts the remote in the form of a queue name', async () => {
    const made = repository(lists(['one']));
    const worker = await gitWorker({ url: `git+file://${made.bare}`, path: join(made.folder, 'ann'), name: 'ann' });
    expect(await worker.nextJob(queueJobs())).toBe('one');
    await worker.close();
  });

  it('takes no job without a function that chooses, and commits nothing without a message', async () => {
    const made = repository(lists(['one']));
    const worker = await workerIn(made, 'ann');
    for (const wrong of [undefined, 'one']) await expect(worker.nextJob(wrong as never)).rejects.toMatchObject({ code: 'usage' });
    for (const wrong of [7, 'one\ntwo']) await expect(worker.nextJob(() => wrong as never)).rejects.toMatchObject({ code: 'usage' });
    expect([made.read('jobs.txt'), made.read('lock.txt')]).toEqual(['one\n', '']);
    await worker.nextJob(queueJobs());
    for (const wrong of [undefined, ' ']) await expect(worker.commitUpdate(wrong as never)).rejects.toMatchObject({ code: 'usage' });
  });

  it('rejects a folder that is something else', async () => {
    const made = repository(lists([]));
    await expect(gitWorker({ url: made.bare, path: made.bare, name: 'ann' })).rejects.toMatchObject({ code: 'input' });
    await expect(gitWorker({ url: `${made.bare}.none`, path: join(made.folder, 'new'), name: 'ann' })).rejects.toMatchObject({
      code: 'input',
    });
  });

  it('reports a folder that it cannot work in', async () => {
    const made = repository(lists([]));
    const refused = { name: 'RunmakerError', code: 'input', hint: expect.any(String) };
    writeFileSync(join(made.folder, 'file'), '');
    for (const path of ['file', 'file/below']) {
      await expect(gitWorker({ url: made.bare, path: join(made.folder, path), name: 'ann' })).rejects.toMatchObject(refused);
    }
  });

  it('has exclusive use of its clone, until it is closed or its process has ended', async () => {
    const made = repository(lists(['one']));
    const options = { url: made.bare, path: join(made.folder, 'shared') };
    const ann = await gitWorker({ ...options, name: 'ann' });
    const bob = (): Promise<GitWorker> => gitWorker({ ...options, name: 'bob' });
    const refused = {
      code: 'usage',
      message: expect.stringMatching(new RegExp(`process ${process.pid} on ${HOST}$`)),
      hint: expect.any(String),
    };
    await expect(bob()).rejects.toMatchObject(refused);
    await ann.close();
    const second = await bob();
    await expect(bob()).rejects.toMatchObject(refused);
    kill(second);
    const third = await bob();
    await second.close();
    await expect(bob()).rejects.toMatchObject(refused);
    await third.close();
  });

  it('that is one of many gets a clone alone, even after a process whose end cannot be observed here', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'runmaker-worker'), newRunnerName().replace(/-\d+-(\d+)-\d+-\d+$/, '-1-$1-1-1'));
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => lockClone(folder)));
    const [got, ...more] = tries.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
    expect(more).toEqual([]);
    await expect(lockClone(folder)).rejects.toMatchObject({ message: expect.stringMatching(`process ${process.pid} on`) });
    got?.();
    got?.();
    (await lockClone(folder))();
  });

  it('gets the clone of a killed worker at once', async () => {
    const folder = temporaryFolder();
    const script =
      "import('./dist/queue/git/distribute/clone-lock.js').then(m => m.lockClone(process.argv[1])).then(() => console.log('mine'))";
    const other = spawn(process.execPath, ['-e', `${script}; setInterval(() => 0, 1000)`, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    await expect(lockClone(folder)).rejects.toMatchObject({ message: expect.stringMatching(`process ${other.pid} on`) });
    other.kill('SIGKILL');
    await once(other, 'close');
    (await lockClone(folder))();
  });

  it('that is one of many gets a clone alone where locks do not work, though a dead one left it to them', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'runmaker-worker.pid'), newRunnerName().replace(/-\d+-\d+-\d+$/, '-4194305-1-1'));
    const refuses: RecordLocks = {
      ...recordLocks(),
      tryLockAsync: () => Promise.reject(systemError(constants.errno.ENOLCK, 'fcntl')),
    };
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => lockClone(folder, refuses)));
    const got = tries.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
    expect(got).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['runmaker-worker', 'runmaker-worker.pid']);
    got[0]?.();
    expect(readdirSync(folder)).toEqual(['runmaker-worker']);
  });
});

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import { openGit, ownCache, repository } from '../../support/git.js';
import { runmaker, runset, runwait } from '../../support/programs.js';
import { claim, jobsOf } from '../../support/queues.js';
import { fakePython, linesOf } from '../../support/runners.js';

const LIMIT = { timeout: 120_000 };
const HEADER = 'script,args,kwargs,status\n';

beforeEach(() => {
  ownCache();
});

function variable(name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  onTestFinished(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

describe('a finished job of a queue.csv', LIMIT, () => {
  it.each([
    ['a row with an open quote', (text: string) => `${text}x,"[1,{},ready\n`],
    ['a row with a field too many', (text: string) => `${text}x,[1,2],{},ready\n`],
    ['a row with a field too few', (text: string) => `${text}x\n`],
    ['a row that says nothing sensible', (text: string) => `x,[1;,{},ready\n${text}`.replace(/(x.*\n)(script.*\n)/, '$2$1')],
  ])('keeps its state beside %s of somebody else', async (_, edit) => {
    const made = repository({ 'queue.csv': `${HEADER}a,[],{},ready\n` });
    const taken = await claim(await openGit(made.name('queue.csv'), {}, 1000));
    made.edit('add', 'queue.csv', edit);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(made.read('queue.csv')).toBe(edit(`${HEADER}a,[],{},done\n`));
  });

  it('keeps its state when pandas has rewritten another column', async () => {
    const made = repository({ 'queue.csv': 'script,args,kwargs,status,tries,note\na,[1],{},ready,1,\na,[2],{},ready,,x\n' });
    const taken = await claim(await openGit(made.name('queue.csv'), {}, 1000));
    made.edit('rewrite', 'queue.csv', text => text.replace('running,1,', 'running,2.0,slow').replace('ready,,x', 'ready,1.0,x'));
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(made.read('queue.csv')).toBe('script,args,kwargs,status,tries,note\na,[1],{},done,2.0,slow\na,[2],{},ready,1.0,x\n');
  });
});

describe("gitrunner's ways of saying things", LIMIT, () => {
  it('create a queue.csv by adding to it, and nothing else does', async () => {
    const made = repository({ readme: 'x\n' });
    expect(await runmaker([made.name('queue.csv')])).toMatchObject({ status: 2 });
    expect(await runset(['--list', made.name('queue.csv')])).toMatchObject({ status: 2 });
    expect(await runset(['--add', 'job.py 1', made.name('queue.csv')])).toMatchObject({ status: 0, stderr: '' });
    expect(made.read('queue.csv')).toBe(`${HEADER}job,"[""1""]",{},ready\n`);
    expect(await runset(['--add', 'echo', made.name('other.txt')])).toMatchObject({ status: 2 });
  });

  it('take a header alone for an empty queue', async () => {
    const made = repository({ 'queue.csv': HEADER });
    expect(await runmaker([made.name('queue.csv')])).toMatchObject({ status: 0, stderr: '' });
    expect(await runwait([made.name('queue.csv')])).toMatchObject({ status: 0, stderr: '' });
  });

  it('name the file by JOBS_QUEUE_FILE, and by --queue-file, unless the name does', async () => {
    const made = repository({ 'jobs/q.csv': `${HEADER}a,[],{},ready\n`, 'runs.txt': '. b\n', 'queue.csv': `${HEADER}c,[],{},ready\n` });
    const first = async (name: string, queueFile?: string): Promise<string> =>
      `${(await jobsOf(await openGit(name, { queueFile })))[0]?.command}`;
    const bare = `git+file://${made.bare}`;
    expect(await first(bare, 'queue.csv')).toBe('python c.py');
    expect(await first(bare)).toBe('b');
    variable('JOBS_QUEUE_FILE', 'jobs/q.csv');
    expect(await first(bare)).toBe('python a.py');
    expect(await first(made.name())).toBe('b');
    expect(await first(bare, 'queue.csv')).toBe('python c.py');
    await expect(openQueue(made.name(), { queueFile: 'queue.csv' })).rejects.toMatchObject({ code: 'usage' });
    process.env.JOBS_QUEUE_FILE = join(made.clone, 'jobs', 'q.csv');
    expect(await first(`git:${made.clone}`)).toBe('python a.py');
    process.env.JOBS_QUEUE_FILE = '/elsewhere/q.csv';
    await expect(openQueue(`git:${made.clone}`)).rejects.toThrow('JOBS_QUEUE_FILE "/elsewhere/q.csv" is not in the repository');
  });

  it('take an absolute RESULTS_DIR inside the checkout, --queue-file and --sleep-time', async () => {
    const made = repository({ 'q.csv': `${HEADER}a,[],{},ready\n` });
    const { path, log } = fakePython(made.folder);
    mkdirSync(join(made.clone, 'results'));
    const env = { PATH: path, RESULTS_DIR: join(made.clone, 'results'), MAX_ATTEMPTS: '1' };
    const words = ['--queue-file', 'q.csv', '--sleep-time', '0.1', `git:${made.clone}`];
    expect(await runmaker(words, { env })).toMatchObject({ status: 0, stderr: '' });
    expect(linesOf(log)).toEqual(['a.py']);
    expect(made.read('q.csv')).toBe(`${HEADER}a,[],{},done\n`);
  });
});

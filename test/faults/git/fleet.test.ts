import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Repository, repository } from '../../support/git.js';
import { fakePython, gitRunner, linesOf } from '../../support/runners.js';

const LIMIT = { timeout: 300_000 };
const RUNNERS = 8;
const JOBS = 400;

/** The lines that messages name after a word: `started 3 jobs (4,5,6)`. */
function named(made: Repository, deed: string): number[] {
  const messages = made.history().flatMap(message => [...message.matchAll(new RegExp(`${deed} \\d+ jobs? \\(([\\d,]+)\\)`, 'g'))]);
  return messages.flatMap(([, lines]) => (lines as string).split(',').map(Number)).sort((a, b) => a - b);
}

function expectClean(made: Repository, first: number): void {
  const lines = Array.from({ length: JOBS }, (_, at) => at + first);
  expect(named(made, 'started')).toEqual(lines);
  expect(named(made, 'finished')).toEqual(lines);
  expect(made.git(made.bare, 'rev-list', '--merges', 'main')).toBe('');
  expect(made.refs()).toEqual(['refs/heads/main']);
  made.git(made.bare, 'fsck', '--strict');
}

/** On a busy machine eight runners may conflict for longer than a runner stays silent about it. */
function withoutDelays(stderr: string): string {
  return stderr.replace(/^runmaker: the results of jobs that have ended cannot be written yet.*\nthey are kept.*\n/m, '');
}

describe('eight runners on one remote', LIMIT, () => {
  it('run every line of a runs.txt exactly once, as the history confirms', async () => {
    const made = repository({});
    const log = join(made.folder, 'log');
    made.change('jobs', { 'runs.txt': Array.from({ length: JOBS }, (_, at) => `. echo ${at} >> ${log}\n`).join('') });
    const ends = await Promise.all(Array.from({ length: RUNNERS }, (_, at) => gitRunner(made.folder, at, ['-j4', made.name()])));
    expect(ends.map(({ status, stderr }) => `${status}${withoutDelays(stderr)}`)).toEqual(Array(RUNNERS).fill('0'));
    expect(
      linesOf(log)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: JOBS }, (_, at) => at));
    expect(made.read().match(/^d /gm)?.length).toBe(JOBS);
    expectClean(made, 1);
  });

  it('run every row of a queue.csv exactly once, as the history confirms', async () => {
    const rows = Array.from({ length: JOBS }, (_, at) => `dummy,[${at}],"{""k"": ""a b""}",ready\n`).join('');
    const made = repository({ 'queue.csv': `script,args,kwargs,status\n${rows}` });
    const { path, log } = fakePython(made.folder);
    const ends = await Promise.all(
      Array.from({ length: RUNNERS }, (_, at) => gitRunner(made.folder, at, ['-j4', made.name('queue.csv')], { PATH: path })),
    );
    expect(ends.map(({ status, stderr }) => `${status}${withoutDelays(stderr)}`)).toEqual(Array(RUNNERS).fill('0'));
    expect(linesOf(log).sort()).toEqual(Array.from({ length: JOBS }, (_, at) => `dummy.py ${at} --k=a b`).sort());
    expect(made.read('queue.csv')).toBe(`script,args,kwargs,status\n${rows.replaceAll('ready', 'done')}`);
    expectClean(made, 2);
  });
});

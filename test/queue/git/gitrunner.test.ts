import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../../support/git.js';
import { fixture } from '../../support/programs.js';
import { fakePython, gitRunner, linesOf, longRun } from '../../support/runners.js';

const LIMIT = { timeout: 300_000 };

describe('runners beside gitrunner', LIMIT, () => {
  it('run every row exactly once, together with its runners', { tags: ['long'] }, async () => {
    const count = 60;
    const rows = Array.from({ length: count }, (_, at) => `dummy.py,[${Math.floor(at / 2)}],"{""cheese"": ""on""}",ready\n`).join('');
    const made = repository({ 'queue.csv': `script,args,kwargs,status\n${rows}` });
    const { path, log } = fakePython(made.folder);
    const theirLog = join(made.folder, 'their-log');
    const theirs = [1, 2].map(at => longRun(fixture('gitrunner.py'), [made.bare, join(made.folder, `theirs-${at}`), theirLog]));
    const ours = [1, 2].map(at => gitRunner(made.folder, at, ['-j2', '--max-idle', '20', made.name('queue.csv')], { PATH: path }));
    for (const { status, stderr } of await Promise.all(theirs)) expect(`${status}${stderr}`).toBe('0');
    // Runners of gitrunner show no presence, and their jobs are reported as orphans, which is harmless.
    for (const { status } of await Promise.all(ours)) expect(status).toBe(0);
    const words = Array.from({ length: count }, (_, at) => `dummy.py ${Math.floor(at / 2)} --cheese=on`);
    expect([...linesOf(log), ...linesOf(theirLog)].sort()).toEqual(words.sort());
    expect(linesOf(log).length).toBeGreaterThan(0);
    expect(linesOf(theirLog).length).toBeGreaterThan(0);
    expect(made.read('queue.csv')).toBe(`script,args,kwargs,status\n${rows.replaceAll('ready', 'done')}`);
  });
});

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { figure } from '../support/figure.js';
import { runmaker, runset, runwait, startProgram } from '../support/programs.js';
import { canMount, makeReadOnly, mountTmpfs, NEEDS_ROOT } from '../support/tmpfs.js';

if (!canMount()) console.log(`test/faults/disk.test.ts: ${NEEDS_ROOT}`);
const asRoot = describe.skipIf(!canMount());

const JOBS = 40;
const SIZE = 256 * 1024;

/** Jobs that print more in total than fits. */
function loudJobs(): Workbench {
  return new Workbench(`. head -c 20000 /dev/zero | tr '\\0' x | fold -w 99; echo $RUNMAKER_JOB >> finished\n`.repeat(JOBS));
}

/** How many messages mention a path. */
function timesSaid(text: string, path: string): number {
  return text.split('\n').filter(line => line.includes(path)).length;
}

/** All jobs have run and are done, despite everything. */
function expectAllDone(bench: Workbench): void {
  expect(bench.lines('finished')).toHaveLength(JOBS);
  expect(bench.states).toBe('d'.repeat(JOBS));
}

asRoot('on a full disk', () => {
  it.each([
    ['the log file', (full: string) => ['-l', join(full, 'log')], 'log'],
    ['the job log', (full: string) => ['--joblog', join(full, 'joblog')], 'joblog'],
    ['the results', (full: string) => ['--results', join(full, 'results')], 'results'],
  ])('jobs continue, states are right, and one message reports that %s cannot be written', async (_, options, name) => {
    const full = mountTmpfs(SIZE);
    const bench = loudJobs();
    // Enough room to create the file and write a little.
    writeFileSync(join(full, 'filler'), Buffer.alloc(SIZE - 24 * 1024));
    if (name === 'joblog') writeFileSync(join(full, 'filler2'), Buffer.alloc(20 * 1024));
    const { status, stderr } = await runmaker(['-q', '-j4', ...options(full), 'runs.txt'], { cwd: bench.folder });
    expectAllDone(bench);
    expect(status).toBe(0);
    expect(stderr).toContain('no space left on device (ENOSPC)');
    expect(stderr).toContain('the jobs go on');
    expect(timesSaid(stderr, join(full, name))).toBe(1);
    figure(`${name} on a full disk: ${JOBS} of ${JOBS} jobs done; said: ${stderr.split('\n')[0]?.replace(full, '…')}`);
  });

  it('all three at once, one message each', async () => {
    const full = mountTmpfs(SIZE);
    const bench = loudJobs();
    writeFileSync(join(full, 'filler'), Buffer.alloc(SIZE - 32 * 1024));
    const options = ['-l', join(full, 'log'), '--joblog', join(full, 'joblog'), '--results', join(full, 'results')];
    const { status, stderr } = await runmaker(['-q', '-j4', ...options, 'runs.txt'], { cwd: bench.folder });
    expectAllDone(bench);
    expect(status).toBe(0);
    for (const name of ['log', 'results']) expect(timesSaid(stderr, `${join(full, name)}`)).toBe(1);
    expect(timesSaid(stderr, join(full, 'joblog'))).toBeLessThanOrEqual(1);
  });

  it('a job log resumes when there is room again, without partial rows', async () => {
    const full = mountTmpfs(SIZE);
    const joblog = join(full, 'joblog');
    const bench = new Workbench(`${`. echo ${'x'.repeat(3000)}\n`.repeat(12)}. ${waiting()}\n. echo after\n. echo after\n`);
    writeFileSync(join(full, 'filler'), Buffer.alloc(SIZE - 16 * 1024));
    const runner = startProgram('runmaker', ['-q', '--joblog', joblog, 'runs.txt'], { cwd: bench.folder });
    await bench.has('pids');
    rmSync(join(full, 'filler'));
    writeFileSync(bench.path('go'), '');
    const { status, stderr } = await runner.ended;
    expect({ status, states: bench.states }).toEqual({ status: 0, states: 'd'.repeat(15) });
    expect(timesSaid(stderr, joblog)).toBe(1);
    const rows = readFileSync(joblog, 'utf8').trimEnd().split('\n').slice(1);
    const whole = rows.filter(row => /^\d+\t[^\t]+\t[\d.]+\t *[\d.]+\t0\t\d+\t0\t0\t/.test(row));
    // At most one row is torn; the rows after it are on their own lines.
    expect(rows.length - whole.length).toBeLessThanOrEqual(1);
    expect(whole.slice(-2).map(row => row.split('\t').at(-1))).toEqual(['echo after', 'echo after']);
  });

  it('appending to a queue leaves no partial line, and reports failure', async () => {
    const full = mountTmpfs(64 * 1024);
    const path = join(full, 'runs.txt');
    writeFileSync(path, '. echo a\n');
    writeFileSync(join(full, 'filler'), Buffer.alloc(56 * 1024));
    const commands = Array.from({ length: 500 }, (_, at) => `echo ${at} ${'x'.repeat(100)}`);
    const { status, stderr } = await runset(['--add-from', '-', path], { input: `${commands.join('\n')}\n` });
    expect(status).toBe(3);
    expect(stderr).toContain('ENOSPC');
    // What was written of the lines is a blank comment now: others may have appended behind it.
    const linesLeft = (): string => readFileSync(path, 'utf8').replace(/^# *\n/gm, '');
    expect(linesLeft()).toBe('. echo a\n');
    // Changing states takes no space.
    expect(await runmaker(['-q', path])).toMatchObject({ status: 0, stderr: '' });
    expect(linesLeft()).toBe('d echo a\n');
  });
});

asRoot('on a read-only filesystem', () => {
  function readOnlyQueue(content: string): string {
    const folder = mountTmpfs(64 * 1024);
    const path = join(folder, 'runs.txt');
    writeFileSync(path, content);
    makeReadOnly(folder);
    return path;
  }

  it('a queue is not run: the message says why, and nothing starts', async () => {
    const bench = new Workbench('');
    const path = readOnlyQueue(`. touch ${bench.path('started')}\n`);
    const { status, stdout, stderr } = await runmaker([path]);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toBe(`runmaker: ${path} is on a read-only filesystem\nstates are written into the file\n`);
    expect(existsSync(bench.path('started'))).toBe(false);
    expect(readFileSync(path, 'utf8')).toMatch(/^\. /);
  });

  it.each([
    ['--set', ['--set', 'd', '--all']],
    ['--add', ['--add', 'echo b']],
    ['--reclaim', ['--reclaim']],
  ])('runset %s reports the reason for its failure', async (_, args) => {
    const path = readOnlyQueue('. echo a\nr echo b\n');
    const { status, stderr } = args[0] === '--add' ? await runset([path, ...args]) : await runset([...args, path]);
    expect(status).toBe(2);
    expect(stderr).toContain(`${path} is on a read-only filesystem`);
  });

  it('a queue can be listed', async () => {
    const path = readOnlyQueue('d echo a\n! echo b\n');
    expect((await runset(['--list', path])).stdout).toBe('1: d - echo a\n2: ! - echo b\n');
    expect((await runset(['--stats', path])).status).toBe(0);
    expect((await runwait([path])).status).toBe(0);
    expect(await runmaker([path])).toMatchObject({ status: 0, stderr: expect.stringContaining(': 1 job failed\n') });
    expect((await runmaker(['--dry-run', readOnlyQueue('. echo a\n')])).stdout).toBe('echo a\n');
  });
});

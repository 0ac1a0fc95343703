import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { type Running, runset, startProgram } from '../support/programs.js';
import { Slurm } from '../support/slurm.js';

describe('runmaker --executor slurm', { tags: ['slurm', 'long'] }, () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await Slurm.start({ nodes: 2, cpus: 8 });
  }, 60_000);
  afterAll(async () => await slurm?.stop(), 60_000);

  const OPTIONS = ['--executor', 'slurm', '--poll', '1s', '--slurm-rate', '20'];

  function runmaker(bench: Workbench, ...args: string[]): Running {
    return startProgram('runmaker', [...OPTIONS, ...args, bench.runs], { env: slurm.env, cwd: bench.folder });
  }

  /** Records its run in a file that only one process can create. */
  const once = (name: string): string => `set -C; echo $$ > ${name}.once`;

  it('runs each line once, in a few arrays, and leaves nothing behind', async () => {
    const lines = Array.from({ length: 60 }, (_, at) => `. ${once(`j${at}`)} && echo out${at} && exit ${at % 3}\n`);
    const bench = new Workbench(lines.join(''));
    const ended = await runmaker(bench, '-j', '100').ended;
    expect(bench.states).toBe(lines.map((_, at) => (at % 3 === 0 ? 'd' : '!')).join(''));
    expect(ended.status).toBe(1);
    for (const [at] of lines.entries()) expect(ended.stdout).toMatch(new RegExp(`^stdout \\(slurm,\\d+_\\d+\\): out${at}$`, 'm'));
    const arrays = new Set([...ended.stdout.matchAll(/\(slurm,(\d+)_/g)].map(([, id]) => id));
    expect(arrays.size).toBeLessThanOrEqual(4);
    expect(existsSync(bench.path('.runmaker-slurm'))).toBe(false);
    expect(slurm.call('squeue', ['-h'])).toBe('');
  }, 60_000);

  it('continues after a killed runner, and runs every line once', async () => {
    const bench = new Workbench(Array.from({ length: 12 }, (_, at) => `. ${once(`k${at}`)} && sleep 3 && echo end${at}\n`).join(''));
    const killed = runmaker(bench, '-j', '8');
    await eventually('jobs run', () => existsSync(bench.path('k0.once')));
    killed.signal('SIGKILL');
    await killed.ended;
    expect(bench.states.slice(0, 8)).toBe('rrrrrrrr');
    const ended = await runmaker(bench, '-j', '8').ended;
    expect(bench.states).toBe('d'.repeat(12));
    expect(ended.stdout).toContain('end0\n');
  }, 60_000);

  it('leaves jobs running with --detach, and collects them with --attach', async () => {
    const bench = new Workbench(`. ${once('a')}; sleep 4; exit 5\n. ${once('b')}\n. ${once('c')}\n`);
    expect((await runmaker(bench, '-j', '2', '--detach').ended).status).toBe(0);
    expect(bench.states).toBe('rr.');
    const reclaim = await runset(['--reclaim', bench.runs]);
    expect([reclaim.status, bench.states]).toEqual([3, 'rr.']);
    expect(reclaim.stderr).toMatch(/2 jobs of an earlier run may still be under slurm\n.*runmaker --executor slurm --attach/);
    await runmaker(bench, '-j', '2', '--attach').ended;
    expect(bench.states).toBe('!d.');
  }, 60_000);

  it('cancels its jobs when it is interrupted', async () => {
    const bench = new Workbench('. sleep 100\n. sleep 100\n');
    const runner = runmaker(bench, '-j', '2', '--kill-after', '3s');
    await eventually('they run', () => /RUNNING/.test(slurm.call('squeue', ['-h', '-o', '%T'])));
    runner.signal('SIGINT');
    await runner.ended;
    expect(bench.states).toBe('ee');
    await setTimeout(500);
    expect(slurm.call('squeue', ['-h', '-t', 'RUNNING,PENDING'])).toBe('');
  }, 60_000);

  it('reports what Slurm rejects: a whole run, whose lines stay new, or one job, while the others continue', async () => {
    const run = new Workbench('. true\n. true\n');
    const refused = await runmaker(run, '--slurm=-p nowhere').ended;
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/Slurm takes no job of this run: .*invalid partition/i);
    expect(run.states).toBe('..');

    const job = new Workbench('. true #: mem=900G\n. true\n');
    const ended = await runmaker(job, '-j', '2').ended;
    expect(ended.stdout).toMatch(/not started: Slurm does not take the job/);
    expect(job.states).toBe('ed');
  }, 60_000);

  it('passes on a job’s own options', async () => {
    const bench = new Workbench(". echo cpus=$SLURM_CPUS_PER_TASK $SLURM_JOB_PARTITION #: cpus=3 slurm='-p main --exclusive'\n");
    expect((await runmaker(bench).ended).stdout).toContain('cpus=3 main');
  }, 60_000);

  it('waits for a controller that is away, and fails no job', async () => {
    const bench = new Workbench('. sleep 6; echo survived\n');
    const runner = runmaker(bench);
    await eventually('it runs', () => /RUNNING/.test(slurm.call('squeue', ['-h', '-o', '%T'])));
    await slurm.stopController();
    await setTimeout(3000);
    slurm.startController();
    const ended = await runner.ended;
    expect(ended.stdout).toContain('survived');
    expect(bench.states).toBe('d');
  }, 90_000);
});

describe('runmaker --executor slurm without Slurm', () => {
  it('reports that Slurm is missing', async () => {
    const bench = new Workbench('. true\n');
    const ended = await startProgram('runmaker', ['--executor', 'slurm', bench.runs], { env: { PATH: bench.folder } }).ended;
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(/Slurm's command scontrol is not there/);
    expect(bench.states).toBe('.');
  });
});

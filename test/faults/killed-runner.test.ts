import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import { isAlive, type Running, runmaker, runset, startProgram } from '../support/programs.js';

/** A runner that is killed when the given number of its jobs have started. */
async function killAmidst(bench: Workbench, jobs: number): Promise<void> {
  const runner: Running = startProgram('runmaker', [`-j${jobs}`, bench.runs], { cwd: bench.folder });
  await bench.has('pids', jobs);
  await bench.reaches('r'.repeat(jobs));
  runner.signal('SIGKILL');
  expect(await runner.ended).toMatchObject({ signal: 'SIGKILL' });
}

async function listed(bench: Workbench): Promise<string[]> {
  const { stdout } = await runset(['--list', bench.runs]);
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => /\((\w+)\)$/.exec(line)?.[1] ?? '');
}

async function reclaimed(bench: Workbench): Promise<string[]> {
  const { status, stdout } = await runset(['--reclaim', bench.runs]);
  expect(status).toBe(0);
  return stdout.split('\n').filter(Boolean);
}

describe('jobs whose runner was killed', () => {
  it('count as running until they end, are not claimed before, and are orphans from then on', async () => {
    const jobs = 20;
    const bench = new Workbench(`. ${waiting('true', 'echo $RUNMAKER_JOB >> ended')}\n`.repeat(jobs));
    await killAmidst(bench, jobs);
    const pids = bench.lines('pids').map(Number);
    const killed = performance.now();

    expect(pids.filter(isAlive)).toHaveLength(jobs);
    expect(await listed(bench)).toEqual(Array(jobs).fill('running'));
    expect(await reclaimed(bench)).toEqual([]);
    // Another runner claims none of them either.
    expect(await runmaker(['--reclaim', '-j4', bench.runs], { cwd: bench.folder })).toMatchObject({ status: 0, stdout: '' });
    expect(bench.states).toBe('r'.repeat(jobs));
    const set = await runset(['--set', '.', '--all', bench.runs]);
    expect(set.status).toBe(1);
    expect(set.stderr).toContain('line 20 is being run and was left alone');
    const held = performance.now() - killed;

    writeFileSync(bench.path('go'), '');
    await bench.areGone('pids');
    const ended = performance.now();
    // The shells exit a moment before the last of their children.
    await eventually('all are orphans', async () => (await listed(bench)).every(word => word === 'orphaned'), 5000);
    const orphaned = performance.now() - ended;
    expect(bench.lines('ended')).toHaveLength(jobs);
    expect(bench.states).toBe('r'.repeat(jobs));

    expect(await reclaimed(bench)).toHaveLength(jobs);
    expect(bench.states).toBe('.'.repeat(jobs));
    expect(await runmaker(['-j4', bench.runs], { cwd: bench.folder })).toMatchObject({ status: 0 });
    expect(bench.states).toBe('d'.repeat(jobs));
    expect(bench.lines('ended')).toHaveLength(2 * jobs);
    figure(
      `a killed runner's ${jobs} jobs counted as running for the ${(held / 1000).toFixed(1)} s that they went on, ` +
        `and as orphans ${orphaned.toFixed(0)} ms after their end, at the first look`,
    );
  });

  it('count as running for as long as any of their processes lives', async () => {
    // The shell has exited; its background process has not.
    const bench = new Workbench(`. (${waiting()}) > out 2>&1 &\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    // Its outputs are closed, so the runner sees the job as ended: only a runner that dies at that moment leaves it in state "r".
    await bench.has('pids');
    await runner.ended;
    expect(bench.states).toBe('d');

    const other = new Workbench(`. (${waiting()}) & sleep 0.1\n`);
    await killAmidst(other, 1);
    await setTimeout(500);
    expect(await listed(other)).toEqual(['running']);
    expect(await reclaimed(other)).toEqual([]);
    writeFileSync(other.path('go'), '');
    await eventually('it is an orphan', async () => (await listed(other))[0] === 'orphaned', 5000);
    expect(await reclaimed(other)).toHaveLength(1);
    writeFileSync(bench.path('go'), '');
    await bench.areGone('pids');
  });

  it('are rerun by a waiting runner with --reclaim once they have ended, and not before', async () => {
    const bench = new Workbench(`. ${waiting('echo start >> log', 'echo end >> log')}\n. sleep 0.2\n---\n. echo last >> log\n`);
    const first = startProgram('runmaker', ['-j2', bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    await eventually('the other job is done', () => bench.content.startsWith('r') && bench.content.includes('\nd sleep'));
    first.signal('SIGKILL');
    await first.ended;

    // The jobs below the barrier wait for the job that will be an orphan, so this runner stays.
    const second = startProgram('runmaker', ['--reclaim', bench.runs], { cwd: bench.folder });
    await setTimeout(1500);
    expect(bench.lines('log')).toEqual(['start']);
    writeFileSync(bench.path('go'), '');
    expect(await second.ended).toMatchObject({ status: 0 });
    expect(bench.lines('log')).toEqual(['start', 'end', 'start', 'end', 'last']);
    expect((await second.ended).stderr).toContain('line 1 set back to "."');
  });
});

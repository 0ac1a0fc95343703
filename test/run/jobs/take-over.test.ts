import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandDigest } from '../../../src/job/command-digest.js';
import type { Claim } from '../../../src/queue/queue.js';
import { pair } from '../../../src/run/jobs/take-over.js';
import { Workbench } from '../../support/bench.js';
import { eventually } from '../../support/eventually.js';
import { type Running, start } from '../../support/programs.js';
import { jobOf } from '../../support/task.js';

const RUNNER = fileURLToPath(new URL('../../fixtures/timer-runner.js', import.meta.url));

function runner(bench: Workbench, jobs = 2): Running {
  return start(process.execPath, [RUNNER, bench.runs, bench.path('timers'), String(jobs)]);
}

/** The ids of all started jobs, one for each start. */
function startsIn(bench: Workbench): string[] {
  return bench
    .lines('timers')
    .map(line => JSON.parse(line) as { job?: string; over?: true })
    .filter(({ over }) => !over)
    .map(({ job }) => job as string);
}

/** The given number of jobs, each of the given seconds. */
function sleeps(count: number, seconds: number): string {
  return Array.from({ length: count }, (_, at) => `. sleep ${seconds}; echo done${at + 1}\n`).join('');
}

describe('a runner that starts', () => {
  it('continues the jobs of a killed runner: each is started once, and their results are recorded', async () => {
    const bench = new Workbench(sleeps(6, 5));
    const killed = runner(bench);
    await eventually('two jobs have started', () => startsIn(bench).length === 2);
    killed.signal('SIGKILL');
    await killed.ended;
    expect(bench.states).toBe('rr....');
    const next = runner(bench, 6);
    expect((await next.ended).status).toBe(0);
    expect(bench.states).toBe('dddddd');
    expect(startsIn(bench).sort()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(next.stdout).toContain('output 1 done1\n');
    expect(next.stdout).toContain('finished 2 d\n');
  });

  it('records the end of a job that ended while there was no runner', async () => {
    const bench = new Workbench('. sleep 1; exit 7\n');
    const killed = runner(bench);
    await eventually('the job has started', () => startsIn(bench).length === 1);
    killed.signal('SIGKILL');
    await setTimeout(1500);
    await runner(bench).ended;
    expect(bench.states).toBe('!');
    expect(startsIn(bench)).toEqual(['1']);
  });

  it('continues the jobs that another runner has detached', async () => {
    const bench = new Workbench('. sleep 6\n. sleep 6\n. echo third\n');
    const first = runner(bench);
    await eventually('two jobs have started', () => startsIn(bench).length === 2);
    first.signal('SIGUSR2');
    expect((await first.ended).status).toBe(0);
    expect(first.stdout).toMatch(/^detached 1 /m);
    expect(bench.states).toBe('rr.');
    await runner(bench).ended;
    expect(bench.states).toBe('ddd');
    expect(startsIn(bench).sort()).toEqual(['1', '2', '3']);
  });

  it('leaves the jobs of a live runner alone', async () => {
    const bench = new Workbench('. sleep 4\n. sleep 4\n');
    const one = runner(bench);
    await eventually('both have started', () => startsIn(bench).length === 2);
    const other = runner(bench);
    await Promise.all([one.ended, other.ended]);
    expect(other.stdout).not.toContain('started');
    expect(bench.states).toBe('dd');
    expect(startsIn(bench)).toHaveLength(2);
  });

  it('ends a task that the queue does not list as running, once it looks for left tasks', async () => {
    const bench = new Workbench('. sleep 20; echo never\n. sleep 3\n');
    const killed = runner(bench);
    await eventually('both have started', () => startsIn(bench).length === 2);
    killed.signal('SIGKILL');
    await killed.ended;
    const { writeFileSync } = await import('node:fs');
    writeFileSync(bench.runs, bench.content.replace('r sleep 20', '- sleep 20'));
    const next = runner(bench);
    await next.ended;
    expect(next.stdout).toMatch(/warning 1 job of an earlier runner ended/);
    expect(bench.states).toBe('-d');
  });
});

describe('claims and tasks', () => {
  const claim = (command: string, id: string, handle?: string) => ({ job: jobOf(command, id), handle }) as unknown as Claim;
  const survivor = (command: string, job: string, handle: string) => ({
    handle,
    job,
    print: commandDigest(Buffer.from(command)),
    end: async () => undefined,
  });

  it('are matched by the handle that the queue has noted, whatever else is alike', () => {
    const { taken } = pair([claim('a', '1', 'y')], [survivor('a', '1', 'x'), survivor('a', '1', 'y')]);
    expect(taken.map(({ handle }) => handle)).toEqual(['y']);
  });

  it('are matched by command and id, then by command alone: lines may have moved', () => {
    const claims = [claim('a', '5'), claim('a', '2'), claim('b', '9')];
    const { taken, spare } = pair(claims, [survivor('a', '2', 'second'), survivor('a', '1', 'first'), survivor('c', '9', 'other')]);
    expect(taken.map(({ claim: { job }, handle }) => [job.id, handle])).toEqual([
      ['2', 'second'],
      ['5', 'first'],
    ]);
    expect(spare.map(({ job }) => job.id)).toEqual(['9']);
  });

  it('are never matched twice', () => {
    const { taken, spare } = pair([claim('a', '1'), claim('a', '2')], [survivor('a', '7', 'only')]);
    expect([taken.length, spare.length]).toEqual([1, 1]);
  });
});

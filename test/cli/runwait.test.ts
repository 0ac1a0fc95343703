import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { patchFile, replaceFile, rewriteFile } from '../support/edit.js';
import { isOpenAfter } from '../support/eventually.js';
import { type Running, runset, runwait, startProgram } from '../support/programs.js';

/** Starts a waiter that prints counts, and waits for the first ones, which show that it has looked at the file. */
async function waiterFor(bench: Workbench, ...options: string[]): Promise<Running> {
  const waiter = startProgram('runwait', ['--json', ...options, bench.runs]);
  await waiter.says('"total"');
  return waiter;
}

describe('runwait', () => {
  it.each([
    ['all are done', 'd a\nd b\n'],
    ['some have failed', 'd a\n! b\ne c\n'],
    ['some are held: they do not count', 'd a\n- b\nx c\n'],
  ])('returns at once when no job is left to run: %s', async (_, content) => {
    const { status, stdout } = await runwait([new Workbench(content).runs]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('rejects a file without a single job as probably the wrong one', async () => {
    const bench = new Workbench('# nothing\n');
    const { status, stderr } = await runwait([bench.runs]);
    expect({ status, stderr: stderr.split('\n')[0] }).toEqual({ status: 2, stderr: `runwait: ${bench.runs} holds no jobs` });
  });

  it.each(['.', '?', 'r'])('waits for a job in state %s, and returns within about a second of its end', async state => {
    const bench = new Workbench(`d a\n${state} b\n`);
    const waiter = await waiterFor(bench);
    expect(await isOpenAfter(waiter.ended, 300)).toBe(true);
    patchFile(bench.runs, 4, 'd');
    const before = performance.now();
    expect((await waiter.ended).status).toBe(0);
    // The process itself needs a moment to end on a busy machine.
    expect(performance.now() - before).toBeLessThan(1500);
  });

  it('waits for the end of a run', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n---\n. true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    const waiter = await waiterFor(bench);
    writeFileSync(bench.path('go'), '');
    expect((await waiter.ended).status).toBe(0);
    expect(bench.states).toBe('ddd');
    expect((await runner.ended).status).toBe(0);
  });

  it('waits for appended jobs, too', async () => {
    const bench = new Workbench('r a\n');
    const waiter = await waiterFor(bench);
    appendFileSync(bench.runs, '. b\n');
    await waiter.says('"total":2');
    patchFile(bench.runs, 0, 'd');
    await waiter.says('"done":1');
    expect(waiter.child.exitCode).toBeNull();
    patchFile(bench.runs, 4, 'd');
    expect((await waiter.ended).status).toBe(0);
  });

  it.each([
    ['the jobs that are left to run', 'd a\nd b\n'],
    ['all jobs', ''],
  ])('does not return while %s are missing from a file that is being saved in place', { tags: ['slow'] }, async (_, half) => {
    const bench = new Workbench('d a\nd b\n. c\n');
    const waiter = await waiterFor(bench);
    rewriteFile(bench.runs, half);
    await setTimeout(400);
    rewriteFile(bench.runs, 'd a\nd b\n. c\n');
    expect(await isOpenAfter(waiter.ended, 3000)).toBe(true);
    rewriteFile(bench.runs, 'd a\nd b\nd c\n');
    expect((await waiter.ended).status).toBe(0);
  });

  it('continues when an editor has replaced the file', async () => {
    const bench = new Workbench('. a\n');
    const waiter = await waiterFor(bench);
    replaceFile(bench.runs, '# edited\n. a\n. b\n');
    await waiter.says('"total":2');
    await runset(['--set=d', '--all', bench.runs]);
    expect((await waiter.ended).status).toBe(0);
  });

  it('uses next to no CPU', async () => {
    const bench = new Workbench('. true\n'.repeat(100_000));
    const waiter = await waiterFor(bench);
    const before = cpuSeconds(waiter.pid);
    await setTimeout(2000);
    expect(cpuSeconds(waiter.pid) - before).toBeLessThan(0.4);
    waiter.signal('SIGTERM');
    await waiter.ended;
  });

  it('does not delay runners', async () => {
    const bench = new Workbench('. true\n'.repeat(50));
    const waiter = await waiterFor(bench);
    const runner = startProgram('runmaker', ['-j2', bench.runs]);
    expect(await runner.ended).toMatchObject({ status: 0, stderr: '' });
    expect((await waiter.ended).status).toBe(0);
  });
});

describe('runwait --use-exit-status', () => {
  it.each([
    ['d a\nd b\n', 0],
    ['d a\n! b\n', 1],
    ['d a\ne b\n', 1],
    ['d a\n- b\n', 0],
    ['! a\n---\n. b\n', 1],
  ])('of %j is %i', async (content, status) => {
    for (const option of ['-e', '--use-exit-status']) expect((await runwait([option, new Workbench(content).runs])).status).toBe(status);
  });
});

describe('runwait --timeout', () => {
  it('gives up after that time, exit status 124', async () => {
    const bench = new Workbench('. a\nd b\n');
    const { status, stderr } = await runwait(['--timeout=300ms', bench.runs]);
    expect(status).toBe(124);
    expect(stderr).toContain(bench.runs);
    expect(bench.content).toBe('. a\nd b\n');
  });

  it('has no effect when the jobs are done earlier', async () => {
    expect((await runwait(['--timeout=1h', new Workbench('d a\n').runs])).status).toBe(0);
  });

  it('does not wait for a file that does not exist', async () => {
    const { status, stderr } = await runwait(['--timeout=1h', new Workbench('').path('none.txt')]);
    expect(status).toBe(2);
    expect(stderr).toContain('none.txt');
  });
});

describe('runwait --progress', () => {
  it.each<[string, string]>([
    [`${'d a\n'.repeat(10)}${'! b\n'.repeat(2)}${'- c\n'.repeat(4)}`, 'progress:  12 of  16 jobs processed, 2 errors [==========!!    ]'],
    ['d a\n! b\ne c\n- d\n', 'progress:   3 of   4 jobs processed, 2 errors [====eeee!!!!    ]'],
    [`${'d a\n'.repeat(5)}${'e b\n'.repeat(2)}`, 'progress:   7 of   7 jobs processed, 2 errors [===========eeee ]'],
    ['d a\n'.repeat(1234), `progress: 1234 of 1234 jobs processed, 0 errors [${'='.repeat(16)}]`],
    ['# none\n', 'progress:   0 of   0 jobs processed, 0 errors [                ]'],
  ])('off a terminal prints counts and a bar of 16 characters, each part rounded down: %#', async (content, line) => {
    for (const option of ['-p', '--progress']) expect((await runwait([option, new Workbench(content).runs])).stdout).toBe(`${line}\n`);
  });

  it('prints one line per change', async () => {
    const bench = new Workbench('. a\n. b\n. c\n. d\n');
    const waiter = startProgram('runwait', ['-p', bench.runs]);
    await waiter.says('  0 of   4 jobs processed, 0 errors [                ]\n');
    patchFile(bench.runs, 0, 'r');
    await waiter.says('  0 of   4 jobs processed, 0 errors [>>>>            ]\n');
    patchFile(bench.runs, 0, 'd');
    await waiter.says('  1 of   4 jobs processed, 0 errors [====            ]\n');
    await runset(['--set=!', bench.runs, '2-']);
    expect((await waiter.ended).stdout).toBe(
      [
        'progress:   0 of   4 jobs processed, 0 errors [                ]',
        'progress:   0 of   4 jobs processed, 0 errors [>>>>            ]',
        'progress:   1 of   4 jobs processed, 0 errors [====            ]',
        'progress:   4 of   4 jobs processed, 3 errors [====!!!!!!!!!!!!]',
        '',
      ].join('\n'),
    );
  });
});

describe('runwait --json', () => {
  it('prints the counts at each change, one object per line', async () => {
    const bench = new Workbench('. a\n- b\n');
    const waiter = await waiterFor(bench);
    patchFile(bench.runs, 0, '!');
    const { status, stdout } = await waiter.ended;
    expect(status).toBe(0);
    const none = { new: 0, claimed: 0, running: 0, done: 0, failed: 0, error: 0, held: 1, total: 2, blocked: 0 };
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line)),
    ).toEqual([
      { ...none, new: 1 },
      { ...none, failed: 1 },
    ]);
  });
});

describe('jobs that can never run', () => {
  it.each([
    ['below a barrier under a failed job', '! a\n---\n. b\n. c\n', '2 jobs are blocked'],
    ['after a held job', '- a\n. b #: after=1\n', '1 job is blocked'],
    ['whose line cannot be read', '. a #: colour=red\n', '1 job is blocked'],
  ])('do not delay it, and are reported: %s', async (_, content, message) => {
    const { status, stderr } = await runwait([new Workbench(content).runs]);
    expect(status).toBe(0);
    expect(stderr).toContain(message);
  });

  it('do not end its wait for other jobs', async () => {
    const bench = new Workbench('! a\n. b #: after=1\n. c\n');
    const waiter = await waiterFor(bench);
    expect(await isOpenAfter(waiter.ended, 300)).toBe(true);
    patchFile(bench.runs, bench.content.lastIndexOf('. c'), 'd');
    expect((await waiter.ended).status).toBe(0);
  });

  it('orphans: are reported once, with the command that resets them', { tags: ['slow'] }, async () => {
    const bench = new Workbench('r a\n. b\n');
    const waiter = startProgram('runwait', [bench.runs]);
    await waiter.says(`runset --reclaim ${bench.runs}`);
    expect(waiter.stderr).toMatch(/^runwait: line 1 is orphaned/);
    patchFile(bench.runs, 4, 'd');
    expect(await isOpenAfter(waiter.ended, 500)).toBe(true);
    await runset(['--reclaim', bench.runs]);
    await runset(['--set=d', '--all', bench.runs]);
    expect((await waiter.ended).status).toBe(0);
    expect(waiter.stderr.match(/orphaned/g)?.length).toBe(1);
  });

  it('do not include a job that still runs', async () => {
    const bench = new Workbench(`. ${waiting()}\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    const waiter = await waiterFor(bench);
    expect(await isOpenAfter(waiter.ended, 300)).toBe(true);
    writeFileSync(bench.path('go'), '');
    expect((await waiter.ended).stderr).toBe('');
    await runner.ended;
  });
});

describe('a file that disappears', () => {
  it('ends the wait with a message', async () => {
    const bench = new Workbench('. a\n');
    const waiter = await waiterFor(bench);
    rmSync(bench.runs);
    const { status, stderr } = await waiter.ended;
    expect(status).toBe(2);
    expect(stderr).toContain(`runwait: ${bench.runs}: no such file`);
  });
});

/** CPU usage of a process so far: user and system time. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  // In hundredths of a second: USER_HZ of <linux/param.h>.
  return (Number(user) + Number(system)) / 100;
}

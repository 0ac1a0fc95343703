import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { eventsIn, mostAtOnce, only, started } from '../support/events.js';
import { isOpenAfter } from '../support/eventually.js';
import { fixture, HOST, isAlive, programWords, run, runmaker, runset, startProgram } from '../support/programs.js';

describe('--jobs', () => {
  it('runs one job at a time by default, in line order', async () => {
    const bench = new Workbench('. a=1\n. b=1\n. c=1\n');
    const { stdout } = await runmaker(['--json', bench.runs]);
    expect(started(stdout)).toEqual([1, 2, 3]);
    expect(mostAtOnce(stdout)).toBe(1);
  });

  it.each(['-j3', '--jobs=3'])('%s runs three at a time, and no more', async option => {
    // Each of three jobs waits for the other two: one alone would never end.
    const meet = 'echo >> here; i=0; until [ $(wc -l < here) -ge 3 ] || [ $i -gt 1000 ]; do i=$((i+1)); sleep 0.02; done; [ $i -lt 1000 ]';
    const bench = new Workbench(`. ${meet}\n. ${meet}\n. ${meet}\n. sleep 0.05\n. sleep 0.05\n. sleep 0.05\n`);
    const { status, stdout } = await runmaker(['--json', option, bench.runs], { cwd: bench.folder });
    expect(status).toBe(0);
    expect(mostAtOnce(stdout)).toBe(3);
  });

  it('0 runs one job for each CPU that the runner may use', async () => {
    const jobs = '. sleep 0.3\n'.repeat(os.availableParallelism() + 2);
    const all = await runmaker(['--json', '-j0', new Workbench(jobs).runs]);
    expect(mostAtOnce(all.stdout)).toBe(os.availableParallelism());
    const pinned = await run('taskset', [
      '-c',
      '0',
      ...programWords('runmaker'),
      '--json',
      '-j0',
      new Workbench('. sleep 0.1\n'.repeat(3)).runs,
    ]);
    expect(mostAtOnce(pinned.stdout)).toBe(1);
  });
});

describe('--retry', () => {
  it.each(['-r', '--retry'])('%s claims failed jobs and errors too', async option => {
    const bench = new Workbench('! true\ne true\n. true\n- true\nd false\n');
    expect((await runmaker([option, bench.runs])).status).toBe(0);
    expect(bench.states).toBe('ddd-d');
  });

  it('claims each job at most once, even if it fails again', async () => {
    const bench = new Workbench('! echo x >> tried; false\n. true\n');
    const { status } = await runmaker(['-r', bench.runs], { cwd: bench.folder });
    expect(status).toBe(1);
    expect(bench.lines('tried').length).toBe(1);
    expect(bench.states).toBe('!d');
  });

  it('does not rerun a job that has just failed for the first time', async () => {
    const bench = new Workbench('. echo x >> tried; false\n');
    await runmaker(['-r', bench.runs], { cwd: bench.folder });
    expect(bench.lines('tried').length).toBe(1);
  });
});

describe('--one-only', () => {
  it.each(['-1', '--one-only'])('%s exits after one successful job', async option => {
    const bench = new Workbench('. true\n. true\n');
    expect((await runmaker([option, bench.runs])).status).toBe(0);
    expect(bench.states).toBe('d.');
  });

  it('continues after failed ones', async () => {
    const bench = new Workbench('. false\n. false\n. true\n. true\n');
    expect((await runmaker(['-1', bench.runs])).status).toBe(1);
    expect(bench.states).toBe('!!d.');
  });
});

describe('--watch', () => {
  it('runs jobs that are appended or reset after the queue was empty, until it is told to stop', async () => {
    const bench = new Workbench('. echo first >> ran\n! echo again >> ran\n');
    const runner = startProgram('runmaker', ['--watch', bench.runs], { cwd: bench.folder });
    await bench.reaches('d!');
    appendFileSync(bench.runs, '. echo appended >> ran\n');
    await bench.reaches('d!d');
    await runset(['--set=.', bench.runs, '2']);
    await bench.reaches('ddd');
    runner.signal('SIGUSR1');
    expect((await runner.ended).status).toBe(0);
    expect(bench.lines('ran')).toEqual(['first', 'appended', 'again']);
  });

  it('waits for jobs in a file that is still empty', async () => {
    const bench = new Workbench('');
    const runner = startProgram('runmaker', ['--watch', bench.runs]);
    await runset(['--add', 'true', '--', bench.runs]);
    await bench.reaches('d');
    runner.signal('SIGTERM');
    expect((await runner.ended).status).toBe(143);
  });
});

describe('--timeout', () => {
  it('ends a job that exceeds it: TERM, state !', async () => {
    const bench = new Workbench('. sleep 30\n. true\n');
    const { status, stdout } = await runmaker(['--timeout=200ms', bench.runs]);
    expect(status).toBe(1);
    expect(bench.states).toBe('!d');
    expect(stdout).toMatch(/^status \([^)]+\): timed out after 200ms "sleep 30"\nstatus \([^)]+\): exit -15 "sleep 30"$/m);
  });

  it('does not affect a job that stays within it', async () => {
    const bench = new Workbench('. sleep 0.1\n');
    expect((await runmaker(['--timeout=20s', bench.runs])).status).toBe(0);
  });

  it('also ends the processes that the job has started', async () => {
    const bench = new Workbench(". sh -c 'echo $$ >> pids; sleep 30' & echo $$ >> pids; sleep 30 & wait\n");
    await runmaker(['--timeout=300ms', bench.runs], { cwd: bench.folder });
    expect(bench.lines('pids').length).toBe(2);
    await bench.areGone('pids');
  });

  it('counts a job as failed even if it exits cleanly on TERM', async () => {
    const bench = new Workbench(". trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done\n");
    const { stdout } = await runmaker(['--timeout=500ms', bench.runs]);
    expect(stdout).toContain('): exit 0 "');
    expect(bench.states).toBe('!');
  });
});

describe('--kill-after', () => {
  it('kills a job that ignores TERM', async () => {
    const bench = new Workbench(". trap '' TERM; echo $$ >> pids; while :; do sleep 0.05; done\n");
    const { stdout } = await runmaker(['--timeout=300ms', '--kill-after=200ms', bench.runs], { cwd: bench.folder });
    expect(stdout).toContain('): exit -9 "');
    expect(bench.states).toBe('!');
    await bench.areGone('pids');
  });

  it('also kills background processes of a job before its next attempt', { tags: ['slow'] }, async () => {
    const deaf = 'sh -c \'trap "" TERM; echo $$ >> pids; exec sleep 50\' >/dev/null 2>&1';
    const bench = new Workbench(`. [ -e pids ] && grep "^State:.[^ZX]" /proc/$(cat pids)/status >> still; ${deaf} & exec sleep 50\n`);
    await runmaker(['--timeout=1s', '--kill-after=200ms', '--retries=2', bench.runs], { cwd: bench.folder });
    expect(bench.lines('still')).toEqual([]);
    expect(bench.lines('pids').map(Number).filter(isAlive)).toEqual([]);
    expect(bench.states).toBe('!');
  });
});

describe('--retries', () => {
  it('reruns a failing job up to the given number of times, and tells it the attempt', async () => {
    const bench = new Workbench('. echo $RUNMAKER_ATTEMPT >> attempts; [ $RUNMAKER_ATTEMPT = 3 ]\n');
    const { status, stdout } = await runmaker(['--retries=5', bench.runs], { cwd: bench.folder });
    expect(status).toBe(0);
    expect(bench.lines('attempts')).toEqual(['1', '2', '3']);
    expect(bench.states).toBe('d');
    expect(stdout.match(/^executing/gm)?.length).toBe(1);
    expect(stdout.match(/: forked "/g)?.length).toBe(3);
  });

  it('counts the job as failed after the last attempt', async () => {
    const bench = new Workbench('. echo x >> attempts; false\n');
    expect((await runmaker(['--retries=2', bench.runs], { cwd: bench.folder })).status).toBe(1);
    expect(bench.lines('attempts').length).toBe(2);
    expect(bench.states).toBe('!');
  });

  it('keeps state r until the last attempt has ended', async () => {
    const bench = new Workbench(`. [ $RUNMAKER_ATTEMPT = 2 ] || exit 1; ${waiting()}\n`);
    const runner = startProgram('runmaker', ['--retries=2', bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    expect(bench.states).toBe('r');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(0);
  });
});

describe('--halt', () => {
  it('never runs all jobs', async () => {
    const bench = new Workbench('. false\n. false\n. true\n');
    await runmaker(['--halt=never', bench.runs]);
    expect(bench.states).toBe('!!d');
  });

  it('soon claims no more jobs after a failure, and lets the running ones end', async () => {
    const bench = new Workbench(`. ${waiting()}\n. false\n. true\n`);
    const runner = startProgram('runmaker', ['-j2', '--halt=soon', bench.runs], { cwd: bench.folder });
    await bench.reaches('r!.');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(1);
    expect(bench.states).toBe('d!.');
  });

  it('now also ends the running jobs', async () => {
    const bench = new Workbench(`. ${waiting()}\n. while [ ! -e pids ]; do sleep 0.02; done; false\n. true\n`);
    const { status } = await runmaker(['-j2', '--halt=now', bench.runs], { cwd: bench.folder });
    expect(status).toBe(1);
    expect(bench.states).toBe('e!.');
    await bench.areGone('pids');
  });

  it.each([
    ['soon,fail=2', '. false\n. true\n. false\n. true\n', '!d!.'],
    ['soon,success=2', '. true\n. false\n. true\n. true\n', 'd!d.'],
    ['soon,fail=50%', '. true\n. true\n. false\n. false\n. true\n', 'dd!!.'],
  ])('%s stops once the condition is met', async (rule, content, states) => {
    const bench = new Workbench(content);
    await runmaker([`--halt=${rule}`, bench.runs]);
    expect(bench.states).toBe(states);
  });
});

describe('--dry-run', () => {
  it('prints the commands that would run, in order, and changes nothing', async () => {
    const content = '# c\n. echo a\nd echo b\n. echo c #: priority=1\n---\n! echo d\n. echo e\n';
    const bench = new Workbench(content);
    const { status, stdout } = await runmaker(['--dry-run', bench.runs], { cwd: bench.folder });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'echo c #: priority=1\necho a\necho e\n' });
    expect(bench.content).toBe(content);
  });

  it('with --retry also prints what failed', async () => {
    const bench = new Workbench('! echo a\n. echo b\n');
    expect((await runmaker(['--dry-run', '-r', bench.runs])).stdout).toBe('echo a\necho b\n');
  });

  it('omits jobs that this host could never run', async () => {
    const bench = new Workbench('. echo a #: cpus=64\n. echo b\n');
    const { status, stdout, stderr } = await runmaker(['--dry-run', '--cpus=2', bench.runs]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'echo b\n' });
    expect(stderr).toContain('line 1 needs cpus=64, more than this host has');
  });

  it('names lines that cannot be parsed, and counts the jobs that cannot run as things stand', async () => {
    const bench = new Workbench('. a\n. b #: foo=1\n- c\n---\n. d\n. e\n');
    const { stdout, stderr } = await runmaker(['--dry-run', bench.runs]);
    expect(stdout).toBe('a\n');
    expect(stderr).toContain('line 2, column 8: "foo" is not a directive');
    expect(stderr).toContain('2 jobs are blocked and cannot run');
  });
});

describe('--shell', () => {
  it('runs the commands with another shell', async () => {
    const bench = new Workbench('. echo a\n');
    const { stdout } = await runmaker(['--shell', fixture('shell.sh'), bench.runs]);
    expect(stdout).toContain('): given: -c echo a\n');
  });

  it('searches PATH for a bare name', async () => {
    const bench = new Workbench('. [[ a == a ]] && echo $0\n');
    const { stdout, status } = await runmaker(['--shell', 'bash', bench.runs]);
    expect(stdout).toMatch(/: .*bash$/m);
    expect(status).toBe(0);
  });
});

describe('--chdir', () => {
  it('sets the directory in which commands run', async () => {
    const bench = new Workbench('. pwd > where\n');
    mkdirSync(bench.path('sub'));
    await runmaker(['--chdir', bench.path('sub'), bench.runs], { cwd: '/' });
    expect(bench.read('sub/where')).toBe(`${bench.path('sub')}\n`);
  });

  it('defaults to the directory of the runner, not that of the runs file', async () => {
    const bench = new Workbench('. pwd\n');
    expect((await runmaker([bench.runs], { cwd: '/' })).stdout).toMatch(/: \/$/m);
  });

  it('does not affect how the queue name is resolved', async () => {
    const bench = new Workbench('. true\n');
    mkdirSync(bench.path('sub'));
    expect((await runmaker(['--chdir', 'sub', 'runs.txt'], { cwd: bench.folder })).status).toBe(0);
    expect(bench.states).toBe('d');
  });
});

describe('--nice', () => {
  it('sets the niceness of commands', async () => {
    const bench = new Workbench('. nice\n');
    expect((await runmaker(['--nice', '7', bench.runs])).stdout).toMatch(/: 7$/m);
  });
});

describe('--delay', () => {
  it('pauses between two starts', async () => {
    const bench = new Workbench('. true\n. true\n. true\n');
    const { stdout } = await runmaker(['--json', '-j3', '--delay=200ms', bench.runs]);
    const events = eventsIn(stdout);
    const from = Date.parse(only(events, 'claimed')[0]?.time ?? '');
    const to = Date.parse(only(events, 'started')[2]?.time ?? '');
    expect(to - from).toBeGreaterThanOrEqual(395);
  });
});

describe('--locks', () => {
  it.each(['record', 'file', 'directory'])('%s: two runners share a file, and every job runs once', async locks => {
    const count = 60;
    const bench = new Workbench(Array.from({ length: count }, (_, at) => `. echo ${at} >> ran\n`).join(''));
    const runners = ['a', 'b'].map(() => runmaker([`--locks=${locks}`, '-j2', bench.runs], { cwd: bench.folder }));
    for (const { status, stderr } of await Promise.all(runners)) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.states).toBe('d'.repeat(count));
    expect(
      bench
        .lines('ran')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: count }, (_, at) => at));
  });
});

describe('--json', () => {
  it('prints events as one object per line', async () => {
    const bench = new Workbench('. echo a; echo b >&2; exit 3\n');
    const { stdout } = await runmaker(['--json', bench.runs]);
    const job = { number: 1, state: '.', command: 'echo a; echo b >&2; exit 3' };
    const events = eventsIn(stdout);
    expect(events.slice(0, 6).map(({ event }) => event)).toEqual(['claimed', 'started', 'output', 'output', 'ended', 'finished']);
    expect(events[0]).toMatchObject({ event: 'claimed', job, slot: 1 });
    expect(events[1]).toMatchObject({ event: 'started', job, slot: 1, attempt: 1, host: HOST, pid: expect.any(Number) });
    expect(only(events, 'output').map(output => [output.stream, 'text' in output && output.text])).toEqual(
      expect.arrayContaining([
        ['stdout', 'a'],
        ['stderr', 'b'],
      ]),
    );
    expect(events[4]).toMatchObject({ event: 'ended', job, again: false });
    expect(events[5]).toMatchObject({ event: 'finished', job, slot: 1, state: '!' });
    for (const { time } of events) expect(new Date(time).toISOString()).toBe(time);
  });

  it('prints warnings as objects, too', async () => {
    const bench = new Workbench('. echo a #: colour=red\n. true\n');
    const { stdout, stderr } = await runmaker(['--json', bench.runs]);
    expect(only(eventsIn(stdout), 'warning')).toMatchObject([
      { message: expect.stringContaining('line 1, column 13') },
      { message: expect.stringContaining('1 job is blocked and cannot run') },
    ]);
    expect(stderr).toBe('');
  });

  it('encodes bytes that are not text as base64', async () => {
    const bench = new Workbench(Buffer.from('. printf "\\377\\n" # \xff\n', 'latin1'));
    const events = eventsIn((await runmaker(['--json', bench.runs])).stdout);
    expect(events[0]).toMatchObject({ job: { base64: Buffer.from('printf "\\377\\n" # \xff', 'latin1').toString('base64') } });
    expect(only(events, 'output')).toMatchObject([{ base64: Buffer.from([0xff]).toString('base64') }]);
  });
});

describe('--reclaim', () => {
  it('runs jobs whose runner has died', { tags: ['slow'] }, async () => {
    const bench = new Workbench('r echo a >> ran\n. echo b >> ran\n');
    const { status } = await runmaker(['--reclaim', bench.runs], { cwd: bench.folder });
    expect(status).toBe(0);
    expect(bench.states).toBe('dd');
    expect(bench.lines('ran').sort()).toEqual(['a', 'b']);
  });

  it('is required for that: without it such jobs are only reported', async () => {
    const bench = new Workbench('r true\n. true\n');
    const { stderr } = await runmaker([bench.runs]);
    expect(bench.states).toBe('rd');
    expect(stderr).toContain('line 1');
    expect(stderr).toContain(`runset --reclaim ${bench.runs}`);
  });
});

describe('--requeue', () => {
  it('puts interrupted jobs back', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const runner = startProgram('runmaker', ['--requeue', bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    runner.signal('SIGINT');
    expect((await runner.ended).status).toBe(130);
    expect(bench.states).toBe('..');
    await bench.areGone('pids');
  });
});

describe('--debug', () => {
  it('shows where an error comes from; without it only what happened and what to do', async () => {
    const plain = await runmaker(['/nowhere/runs.txt']);
    expect(plain.stderr).toBe('runmaker: /nowhere/runs.txt: no such file\ncreate it first, one line a job: ". command"\n');
    const debug = await runmaker(['--debug', '/nowhere/runs.txt']);
    expect(debug.stderr.startsWith(plain.stderr)).toBe(true);
    expect(debug.stderr).toMatch(/^ {4}at /m);
  });
});

describe('--version', () => {
  it.each(['runmaker', 'runset', 'runwait'] as const)('matches the package: %s', async program => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    const { status, stdout } = await run(...toRun(program, '--version'));
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${version}\n` });
  });
});

describe('--help', () => {
  it('of runmaker lists every option', async () => {
    const { status, stdout } = await run(...toRun('runmaker', '--help'));
    expect(status).toBe(0);
    const options = [
      ...[
        '-j, --jobs',
        '-r, --retry',
        '-1, --one-only',
        '-l, --logfile',
        '-n, --loglines',
        '--joblog',
        '--results',
        '--watch',
        '--timeout',
      ],
      ...['--kill-after', '--retries', '--halt', '--requeue', '--dry-run', '--shell', '--chdir', '--nice', '--delay', '--locks', '--json'],
      ...['--quiet', '--color', '--no-progress', '--debug', '--version', '--help', '--cpus', '--mem', '--gpus'],
    ];
    for (const option of options) expect(stdout).toContain(option);
  });
});

describe('a runner', () => {
  it('gives every job an empty standard input', async () => {
    const bench = new Workbench('. cat; echo read\n');
    expect((await runmaker([bench.runs], { input: 'not for the job' })).stdout).toMatch(/: read$/m);
  });

  it('waits for jobs of other runners if its own depend on them', async () => {
    const bench = new Workbench(`. ${waiting()}\n---\n. echo second >> ran\n`);
    const first = startProgram('runmaker', ['-1', bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    const second = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    expect(await isOpenAfter(second.ended, 500)).toBe(true);
    writeFileSync(bench.path('go'), '');
    expect((await first.ended).status).toBe(0);
    expect((await second.ended).status).toBe(0);
    expect(bench.states).toBe('dd');
    expect((await second.ended).stdout).toContain('echo second');
  });

  it('exits when only jobs of other runners are left', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const first = startProgram('runmaker', ['-1', bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    expect((await runmaker([bench.runs])).status).toBe(0);
    expect(bench.states).toBe('rd');
    writeFileSync(bench.path('go'), '');
    expect((await first.ended).status).toBe(0);
    expect(bench.states).toBe('dd');
  });

  it('runs all jobs, and exits with 1 if one has failed', async () => {
    const bench = new Workbench('. exit 7\n. true\n');
    expect((await runmaker([bench.runs])).status).toBe(1);
    expect(bench.states).toBe('!d');
  });

  it('exits with 0 if there is nothing left to do, and reports earlier failures', async () => {
    expect(await runmaker([new Workbench('d true\nd false\n').runs])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const bench = new Workbench('d true\n! false\ne true\n! false\n');
    const { status, stdout, stderr } = await runmaker([bench.runs]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toBe(
      `runmaker: ${bench.runs}: 2 jobs failed, 1 job did not run to the end\n` +
        `see runset --list --state failed,error ${bench.runs}; to run them again: runmaker --retry ${bench.runs}\n`,
    );
  });

  it('reports why it halts, and what that means for the running jobs', async () => {
    const bench = new Workbench('. sleep 0.3\n. false\n. true\n');
    expect((await runmaker(['-j2', '--halt=soon', bench.runs])).stderr).toContain(
      'halted, as --halt says: 0 done, 1 failed; 1 job that runs let end\nno more are started\n',
    );
    expect(bench.states).toBe('d!.');
  });

  it('succeeds when --halt waits for a success, whatever else ended or failed', async () => {
    const bench = new Workbench('. sleep 0.2\n. sleep 20\n. true\n');
    expect((await runmaker(['-j2', '--halt=now,success=1', bench.runs])).status).toBe(0);
    expect(bench.states).toBe('de.');
    expect((await runmaker(['--halt=now,success=2', new Workbench('. false\n. true\n').runs])).status).toBe(1);
  });

  it('with --dry-run and -1 prints what comes first, and exits as the run would', async () => {
    const first = await runmaker(['--dry-run', '-1', new Workbench('. echo a\n. echo b\n').runs]);
    expect(first).toMatchObject({ status: 0, stdout: 'echo a\n', stderr: '' });
    expect((await runmaker(['--dry-run', new Workbench('. echo a\n. echo b #: cpu=1\n').runs])).status).toBe(2);
    expect((await runmaker(['--dry-run', new Workbench('! echo a\n---\n. echo b\n').runs])).status).toBe(1);
  });

  it('can pause between two starts for longer than the longest timer', async () => {
    const bench = new Workbench('. true\n. true\n');
    const started = startProgram('runmaker', ['--delay=50d', bench.runs]);
    await bench.reaches('d.');
    await setTimeout(300);
    expect(bench.states).toBe('d.');
    started.signal('SIGINT');
    expect(await started.ended).toMatchObject({ status: 130, stderr: '' });
  });

  it('reports what a signal means for the running jobs', async () => {
    for (const [signal, words] of [
      ['SIGHUP', 'draining: 1 job let end, and no more started'],
      ['SIGINT', 'SIGINT: 1 job told to end, and killed after --kill-after\nCtrl-C once more kills at once'],
    ] as const) {
      const bench = new Workbench('. echo $$ > pids; sleep 0.5\n. true\n');
      const started = startProgram('runmaker', ['runs.txt'], { cwd: bench.folder });
      await bench.has('pids');
      started.signal(signal);
      expect((await started.ended).stderr).toBe(`runmaker: ${words}\n`);
    }
  });

  it('reports that the remaining jobs cannot run, and exits with 1', async () => {
    const bench = new Workbench('! false\n---\n. true\n. true\n');
    const { status, stderr } = await runmaker([bench.runs]);
    expect(status).toBe(1);
    expect(stderr).toContain('2 jobs are blocked and cannot run: what must come first failed, is held, or cannot be read');
    expect(bench.states).toBe('!..');
  });
});

function toRun(program: Parameters<typeof programWords>[0], ...args: string[]): [string, string[]] {
  const [node, script] = programWords(program);
  return [node, [script, ...args]];
}

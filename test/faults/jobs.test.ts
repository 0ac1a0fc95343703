import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import { mebibytes, watchPeak } from '../support/peak.js';
import { type Ended, isAlive, programWords, runmaker, runset, startProgram } from '../support/programs.js';

/** Runs a file to its end, in the folder of the file. */
function work(bench: Workbench, ...args: string[]): Promise<Ended> {
  return runmaker([...args, 'runs.txt'], { cwd: bench.folder });
}

/** Ends the recorded processes that jobs have left, in case the test did not. */
function endAfterwards(bench: Workbench, name = 'pids'): void {
  onTestFinished(() => {
    for (const pid of bench.lines(name).map(Number)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
}

describe('a runner survives a job that', () => {
  it('leaves a daemon behind: it ends without it, and its line can run again while the daemon lives', async () => {
    const daemon = `setsid sh -c 'echo $$ >> pids; exec sleep 30' > /dev/null 2>&1 < /dev/null &`;
    const bench = new Workbench(`. ${daemon}\n. echo next\n`);
    endAfterwards(bench);
    const first = await work(bench);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain(': next\n');
    expect(bench.states).toBe('dd');

    // The daemon has inherited the proof that the job runs; the proof was withdrawn all the same.
    await bench.has('pids');
    expect(await runset(['--set', '.', bench.runs, '1'])).toMatchObject({ status: 0, stderr: '' });
    expect(await work(bench)).toMatchObject({ status: 0, stderr: '' });
    expect(bench.states).toBe('dd');
    const daemons = (await bench.has('pids', 2)).map(Number);
    expect(daemons.filter(isAlive)).toHaveLength(2);
  });

  it('closes all of its descriptors: it counts as running, and its exit status is right', async () => {
    const bench = new Workbench(`. exec 0<&- 1>&- 2>&- 63>&-; ${waiting('true', 'exit 3')}\n. echo next\n`);
    const runner = startProgram('runmaker', ['--shell=bash', 'runs.txt'], { cwd: bench.folder });
    await bench.has('pids');
    await setTimeout(300);
    expect(await runset(['--reclaim', bench.runs])).toMatchObject({ status: 0, stdout: '' });
    expect((await runset(['--list', bench.runs, '1'])).stdout).toContain('(running)');
    writeFileSync(bench.path('go'), '');
    const { status, stdout } = await runner.ended;
    expect({ status, states: bench.states }).toEqual({ status: 1, states: '!d' });
    expect(stdout).toContain('exit 3');
  });

  it('ignores TERM, both at its time limit and when the runner is told to stop', async () => {
    const stubborn = `trap '' TERM INT HUP; echo $$ >> pids; while :; do sleep 0.05; done`;
    const bench = new Workbench(`. ${stubborn}\n. echo next\n`);
    endAfterwards(bench);
    const timed = await work(bench, '--timeout', '300ms', '--kill-after', '300ms');
    expect({ status: timed.status, states: bench.states }).toEqual({ status: 1, states: '!d' });
    expect(timed.stdout).toContain('timed out after 300ms');
    await bench.areGone('pids');

    const other = new Workbench(`. ${stubborn}\n. echo next\n`);
    endAfterwards(other);
    const runner = startProgram('runmaker', ['--kill-after', '300ms', 'runs.txt'], { cwd: other.folder });
    await other.has('pids');
    runner.signal('SIGTERM');
    expect((await runner.ended).status).toBe(143);
    expect(other.states).toBe('e.');
    await other.areGone('pids');
  });

  it('forks a hundred children, whether it waits for them or not', async () => {
    const child = '(echo x >> children; sleep 0.3; echo x >> finished)';
    const loop = `i=0; while [ $i -lt 100 ]; do ${child} & i=$((i + 1)); done`;
    const bench = new Workbench(`. ${loop}; wait\n. ${loop}\n. echo next\n`);
    const began = performance.now();
    expect(await work(bench)).toMatchObject({ status: 0, stderr: '' });
    expect(bench.states).toBe('ddd');
    // Each job ends with its last child: the children hold its outputs.
    expect(bench.lines('finished')).toHaveLength(200);
    figure(`two jobs of 100 children each took ${((performance.now() - began) / 1000).toFixed(1)} s, all 200 awaited`);
  });

  it('forks a hundred children that only KILL can end: none is left after its time limit', async () => {
    const child = `(trap '' TERM; sh -c 'echo $PPID' >> pids; while :; do sleep 1; done)`;
    const bench = new Workbench(`. i=0; while [ $i -lt 100 ]; do ${child} & i=$((i + 1)); done; wait\n. echo next\n`);
    endAfterwards(bench);
    const runner = startProgram('runmaker', ['--timeout', '3s', '--kill-after', '300ms', 'runs.txt'], { cwd: bench.folder });
    await bench.has('pids', 100);
    expect((await runner.ended).status).toBe(1);
    expect(bench.states).toBe('!d');
    await bench.areGone('pids');
  });

  it('ends its output without a newline: the last line is complete, and kept bytes are unchanged', async () => {
    const bench = new Workbench(`. printf one\n. printf two; sleep 0.2; printf three >&2; printf four\n. printf ''\n. echo next\n`);
    const { status, stdout } = await work(bench, '--results', 'results', '-l', 'log');
    expect({ status, states: bench.states }).toEqual({ status: 0, states: 'dddd' });
    expect(stdout).toMatch(/^stdout \(\S+\): one\n/m);
    expect(stdout).toMatch(/^stderr \(\S+\): three\n/m);
    expect(stdout).toMatch(/^stdout \(\S+\): twofour\n/m);
    expect(['1/stdout', '2/stdout', '2/stderr', '3/stdout'].map(name => bench.read(`results/${name}`))).toEqual([
      'one',
      'twofour',
      'three',
      '',
    ]);
    expect(stdout.split('\n').every(line => line === '' || /^(executing|stdout|stderr|status) /.test(line))).toBe(true);
  });

  it('changes its directory, or removes that of the runner', async () => {
    const bench = new Workbench(`. cd / && pwd\n. pwd\n. cd .. && rmdir work\n. echo next\n`);
    const folder = bench.path('work');
    mkdirSync(folder);
    const { status, stdout } = await runmaker([bench.runs], { cwd: folder });
    expect(existsSync(folder)).toBe(false);
    expect({ status, states: bench.states }).toEqual({ status: 0, states: 'dddd' });
    const printed = [...stdout.matchAll(/^stdout \(\S+\): (.*)$/gm)].map(match => match[1]);
    expect(printed).toEqual(['/', folder, 'next']);
  });

  it('ends its own process group', async () => {
    const bench = new Workbench('. kill -TERM 0; sleep 5\n. kill -KILL 0; sleep 5\n. echo next\n');
    expect((await work(bench)).status).toBe(1);
    expect(bench.states).toBe('!!d');
  });
});

describe('a job whose shell exits while a background child holds its outputs', () => {
  it('ends with the child, and the output of the child is kept', async () => {
    const bench = new Workbench('. (sleep 0.7; echo late) & echo early\n. echo next\n');
    const { status, stdout } = await work(bench);
    expect({ status, states: bench.states }).toEqual({ status: 0, states: 'dd' });
    expect(stdout).toMatch(/: early\n[\s\S]*: late\n[\s\S]*exit 0[\s\S]*: next\n/);
  });

  it('is not done if the runner was told to stop and has ended the child', async () => {
    const bench = new Workbench(`. (${waiting('true', 'echo x >> finished')}) &\n`);
    endAfterwards(bench);
    const runner = startProgram('runmaker', ['runs.txt'], { cwd: bench.folder });
    await bench.has('pids');
    await setTimeout(300);
    runner.signal('SIGTERM');
    expect((await runner.ended).status).toBe(143);
    expect(bench.lines('finished')).toEqual([]);
    expect(bench.states).toBe('e');
  });

  it('does not wait forever for a child that signals cannot reach', async () => {
    const bench = new Workbench(`. setsid sh -c 'echo $$ >> pids; exec sleep 30' & sleep 0.2\n. echo next\n`);
    endAfterwards(bench);
    const began = performance.now();
    const { status } = await work(bench, '--timeout', '500ms', '--kill-after', '300ms');
    expect({ status, states: bench.states }).toEqual({ status: 1, states: '!d' });
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('memory stays flat', () => {
  const LIMIT = 60 * 2 ** 20;

  /** Runs a command with the runner's output going to /dev/null, and returns the runner's peak memory. */
  async function peakWith(command: string, ...args: string[]): Promise<{ peak: number; bench: Workbench; seconds: number }> {
    // The runner stays for a while after the output, so that the last look at it comes after the peak.
    const bench = new Workbench(`. ${command}\n. sleep 0.2\n`);
    const [node, script] = programWords('runmaker');
    const nowhere = openSync('/dev/null', 'w');
    const began = performance.now();
    const child = spawn(node, [script, ...args, 'runs.txt'], { cwd: bench.folder, stdio: ['ignore', nowhere, nowhere] });
    closeSync(nowhere);
    onTestFinished(() => void child.kill('SIGKILL'));
    const watch = watchPeak(child.pid as number);
    const status = await new Promise(resolve => child.once('exit', resolve));
    watch.stop();
    expect({ status, states: bench.states }).toEqual({ status: 0, states: 'dd' });
    return { peak: watch.bytes, bench, seconds: (performance.now() - began) / 1000 };
  }

  const mega = (count: number): string => `head -c ${count}000000 /dev/zero`;

  it.each([
    [100, 'lines', (count: number) => `${mega(count)} | tr '\\0' x | fold -w 79`],
    [100, 'a single line', (count: number) => `${mega(count)} | tr '\\0' x`],
    // Each of these becomes a tagged line: 20 times as long.
    [20, 'nothing but newlines', (count: number) => `${mega(count)} | tr '\\0' '\\n'`],
  ])('while a job prints %d MB as %s', async (size, what, command) => {
    const few = await peakWith(command(1), '--results', 'results', '-l', 'log', '--joblog', 'joblog');
    const many = await peakWith(command(size), '--results', 'results', '-l', 'log', '--joblog', 'joblog');
    expect(statSync(many.bench.path('results/1/stdout')).size).toBeGreaterThanOrEqual(size * 1_000_000);
    figure(
      `${size} MB as ${what}: the runner took ${mebibytes(many.peak)} at most, ${mebibytes(many.peak - few.peak)} more than for 1 MB; ${many.seconds.toFixed(1)} s`,
    );
    expect(many.peak - few.peak).toBeLessThan(LIMIT);
  });

  it("while the runner's output is not read: the job is slowed down", async () => {
    const bench = new Workbench(`. ${mega(100)} | tr '\\0' x | fold -w 79; echo x >> finished\n. sleep 0.2\n`);
    const [node, script] = programWords('runmaker');
    const child = spawn(node, [script, 'runs.txt'], { cwd: bench.folder, stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = new Promise(resolve => child.once('exit', resolve));
    const watch = watchPeak(child.pid as number);
    await setTimeout(2000);
    expect(bench.lines('finished')).toEqual([]);
    const unread = watch.bytes;
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    expect(await ended).toBe(0);
    watch.stop();
    expect(bytes).toBeGreaterThan(100_000_000);
    figure(`100 MB that nobody reads for 2 s: ${mebibytes(unread)} then, ${mebibytes(watch.bytes)} at most`);
    expect(watch.bytes).toBeLessThan(3 * LIMIT);
  });
});

describe('a job that changes the runs file', () => {
  it('deletes it: the runner reports that, recreates nothing, and lets running jobs end', async () => {
    const bench = new Workbench(
      `. until [ -e both ]; do sleep 0.02; done; rm runs.txt; sleep 0.3\n. touch both; sleep 1; echo x >> finished\n. echo next >> finished\n`,
    );
    const { status, stderr } = await work(bench, '-j2');
    expect(bench.lines('finished')).toEqual(['x']);
    expect(existsSync(bench.runs)).toBe(false);
    expect(status).toBe(2);
    expect(stderr).toContain('runs.txt was removed while the job ran');
    expect(stderr).toContain('no such file');
  });

  it('deletes it and recreates it within a moment, as some editors do', async () => {
    const bench = new Workbench(`. cp runs.txt kept; rm runs.txt; sleep 0.3; cp kept runs.txt\n. echo next\n`);
    expect(await work(bench)).toMatchObject({ status: 0, stderr: '' });
    expect(bench.states).toBe('dd');
  });

  it('replaces it: its result goes to its line in the new file, and new jobs there run', async () => {
    const replace = `{ echo '# new'; sed 's/^. echo old/. echo new/' runs.txt; echo '. echo more'; } > draft; mv draft runs.txt`;
    const bench = new Workbench(`. ${replace}\n. echo old\n`);
    const { status, stdout, stderr } = await work(bench);
    expect(bench.content).toBe(`# new\nd ${replace}\nd echo new\nd echo more\n`);
    expect(stdout.match(/^stdout .*$/gm)?.map(line => line.replace(/.*: /, ''))).toEqual(['new', 'more']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('replaces it with something else: the result is refused and reported, and the other file is not touched', async () => {
    const bench = new Workbench(`. printf '# a list\\n. echo other\\nno job\\n' > draft; mv draft runs.txt\n. echo next\n`);
    const { status, stderr, stdout } = await work(bench);
    expect(bench.content).toBe('# a list\nd echo other\nno job\n');
    expect(stdout + stderr).toContain('its line was changed or removed while the job ran');
    expect(status).toBe(1);
  });

  it('truncates it: the result is refused and reported, and the file stays empty', async () => {
    const bench = new Workbench(`. : > runs.txt\n. echo next >> finished\n`);
    const { status, stderr, stdout } = await work(bench);
    expect(readFileSync(bench.runs, 'utf8')).toBe('');
    expect(stdout + stderr).toContain('its line was changed or removed while the job ran');
    expect(bench.lines('finished')).toEqual([]);
    expect(status).toBe(1);
  });

  it('truncates it in the middle of a line: nothing is written beyond its end or into the rest', async () => {
    const bench = new Workbench('. echo a; truncate -s 5 runs.txt\n. echo next >> finished\n');
    const { status, stdout, stderr } = await work(bench);
    await eventually('the file is as it was left', () => bench.content.length === 5);
    expect(bench.content).toMatch(/^[rd.] ech$/);
    expect(bench.content).toBe('r ech');
    expect(stdout + stderr).toContain('its line was changed or removed while the job ran');
    expect(status).toBe(1);
  });

  it('rewrites it in place with other lines', async () => {
    const bench = new Workbench(`. printf '# a list\\n. echo other\\n' > runs.txt\n. echo next\n`);
    const { status } = await work(bench);
    expect(bench.content).toBe('# a list\nd echo other\n');
    expect(status).toBe(1);
  });

  it('appends to it: the new jobs run', async () => {
    const bench = new Workbench(`. echo '. echo more' >> runs.txt\n. echo next\n`);
    expect(await work(bench)).toMatchObject({ status: 0, stderr: '' });
    expect(bench.states).toBe('ddd');
  });
});

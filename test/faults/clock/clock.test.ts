import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../../support/bench.js';
import { figure } from '../../support/figure.js';
import { type Ended, type Program, programWords, runset, type StartOptions, start } from '../../support/programs.js';

const JUMPING = fileURLToPath(new URL('jump-clock.js', import.meta.url));

/** Starts a program whose clock jumps by hours. */
function startJumping(program: Program, args: readonly string[], options: StartOptions) {
  const [node, script] = programWords(program);
  return start(node, ['--import', JUMPING, script, ...args], { input: '', ...options });
}

async function timed(ended: Promise<Ended>): Promise<Ended & { seconds: number }> {
  const began = performance.now();
  return { ...(await ended), seconds: (performance.now() - began) / 1000 };
}

describe('while the wall clock jumps by hours', () => {
  it('the jump is real, and does not affect the tests', async () => {
    const script = 'const a=Date.now();setTimeout(()=>console.log(Math.abs(Date.now()-a)>3600000&&Math.abs(new Date()-a)>3600000),200)';
    expect((await start(process.execPath, ['--import', JUMPING, '-e', script], { input: '' }).ended).stdout).toBe('true\n');
  });

  it('a job gets exactly its time limit', async () => {
    const bench = new Workbench('. sleep 1.5\n. sleep 20\n. trap "" TERM; while :; do sleep 0.1; done\n');
    const { status, seconds, stdout } = await timed(
      startJumping('runmaker', ['-j3', '--timeout', '3s', '--kill-after', '1s', 'runs.txt'], { cwd: bench.folder }).ended,
    );
    expect({ status, states: bench.states }).toEqual({ status: 1, states: 'd!!' });
    expect(stdout.match(/timed out after 3s/g)).toHaveLength(2);
    expect(seconds).toBeGreaterThan(3.9);
    expect(seconds).toBeLessThan(12);
    figure(`with a clock that jumps by hours, a timeout of 3 s and 1 s to KILL took ${seconds.toFixed(1)} s in all`);
  });

  it('the pause between two starts keeps its length', async () => {
    const bench = new Workbench('. true\n'.repeat(6));
    const { status, seconds } = await timed(startJumping('runmaker', ['--delay', '300ms', 'runs.txt'], { cwd: bench.folder }).ended);
    expect({ status, states: bench.states }).toEqual({ status: 0, states: 'dddddd' });
    expect(seconds).toBeGreaterThan(1.5);
    expect(seconds).toBeLessThan(10);
  });

  it('reports are written, without warnings', async () => {
    const bench = new Workbench('. echo a\n. sleep 0.4\n. exit 3\n');
    const reports = ['--json', '-l', 'log', '--joblog', 'joblog', '--results', 'results'];
    const { status, stderr, stdout } = await startJumping('runmaker', [...reports, 'runs.txt'], { cwd: bench.folder }).ended;
    expect({ status, stderr, states: bench.states }).toEqual({ status: 1, stderr: '', states: 'dd!' });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).event),
    ).toContain('finished');
    expect(bench.lines('joblog')).toHaveLength(4);
    // The duration of a job comes from the monotonic clock.
    for (const row of bench.lines('joblog').slice(1)) {
      const seconds = Number(row.split('\t')[3]);
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThan(20);
    }
  });

  it('a waiting runner notices appended jobs', async () => {
    const bench = new Workbench('. true\n');
    const runner = startJumping('runmaker', ['--watch', 'runs.txt'], { cwd: bench.folder });
    await bench.reaches('d');
    await setTimeout(500);
    await runset(['--add', 'echo appended', bench.runs]);
    const began = performance.now();
    await bench.reaches('dd');
    expect(performance.now() - began).toBeLessThan(5000);
    runner.signal('SIGHUP');
    expect((await runner.ended).status).toBe(0);
  });

  it('runwait waits for exactly its timeout', async () => {
    const bench = new Workbench('. true\n');
    const { status, seconds } = await timed(startJumping('runwait', ['--timeout', '1500ms', bench.runs], {}).ended);
    expect(status).toBe(124);
    expect(seconds).toBeGreaterThan(1.4);
    expect(seconds).toBeLessThan(8);
  });
});

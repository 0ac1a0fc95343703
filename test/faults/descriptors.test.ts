import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { figure } from '../support/figure.js';
import { programWords, run } from '../support/programs.js';

const JOBS = 400;

/** Runs a file with a limit on descriptors: hard, because node raises the soft limit to the hard one. */
function runWith(descriptors: number, bench: Workbench, ...args: string[]) {
  const [node, script] = programWords('runmaker');
  const command = `ulimit -n ${descriptors} && exec "$@"`;
  return run('/bin/sh', ['-c', command, 'sh', node, script, ...args, 'runs.txt'], { cwd: bench.folder });
}

describe(`${JOBS} jobs at a time`, () => {
  it('with 4,096 descriptors: all run at once', async () => {
    const bench = new Workbench('. sleep 4\n'.repeat(JOBS));
    const began = performance.now();
    expect(await runWith(4096, bench, '-q', `-j${JOBS}`)).toMatchObject({ status: 0, stderr: '' });
    const seconds = (performance.now() - began) / 1000;
    expect(bench.states).toBe('d'.repeat(JOBS));
    expect(seconds).toBeLessThan(20);
    figure(`${JOBS} jobs of 4 s with -j${JOBS} and 4,096 descriptors took ${seconds.toFixed(1)} s`);
  });

  it('with 1,024 descriptors, three per job: all are done or the reason is reported, and none is lost or left behind', async () => {
    const bench = new Workbench('. echo $RUNMAKER_JOB >> finished; sleep 4\n'.repeat(JOBS));
    const began = performance.now();
    const { status, stdout, stderr } = await runWith(1024, bench, '-q', `-j${JOBS}`);
    const seconds = (performance.now() - began) / 1000;
    const finished = bench.lines('finished');
    const done = bench.states.replaceAll('.', '').length;
    figure(
      `${JOBS} jobs of 4 s with -j${JOBS} and 1,024 descriptors: ${done} done in ${seconds.toFixed(1)} s, exit status ${status}; said: ${stderr.trimEnd() || 'nothing'}`,
    );
    expect(stdout).toBe('');
    expect(new Set(finished).size).toBe(finished.length);
    expect(stderr).not.toContain('should not have happened');
    expect(bench.states).toMatch(/^[d.]+$/);
    expect(finished).toHaveLength(done);
    if (done < JOBS) {
      expect(status).toBe(3);
      expect(stderr).toMatch(/too many open files/);
      expect(stderr).toMatch(/-j|ulimit/);
    } else expect(status).toBe(0);
  }, 120_000);

  it('with 20 descriptors: nothing starts', async () => {
    const bench = new Workbench('. true\n'.repeat(3));
    expect(await runWith(20, bench, '-q')).toMatchObject({
      status: 2,
      stderr: 'runmaker: there may be 20 open files, which leaves none for jobs\nraise the limit: ulimit -n 256\n',
    });
    expect(bench.states).toBe('...');
  });

  it('with 64 descriptors', async () => {
    const bench = new Workbench('. echo $RUNMAKER_JOB >> finished; sleep 0.5\n'.repeat(60));
    const { status, stderr } = await runWith(64, bench, '-q', `-j${JOBS}`);
    const finished = bench.lines('finished');
    expect(new Set(finished).size).toBe(finished.length);
    expect(stderr).not.toContain('should not have happened');
    expect(bench.states).toMatch(/^[d.]+$/);
    expect(bench.states.replaceAll('.', '')).toHaveLength(finished.length);
    expect(status).toBe(bench.states.includes('.') ? 3 : 0);
  }, 120_000);
});

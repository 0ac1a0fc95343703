import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { eventsIn, mostAtOnce, only, started } from '../support/events.js';
import { fixture, runmaker, startProgram } from '../support/programs.js';

describe('directives', () => {
  it('are a shell comment, and stay in the line', async () => {
    const bench = new Workbench('. echo a > out #: name=prep priority=3\n');
    const { stdout } = await runmaker([bench.runs], { cwd: bench.folder });
    expect(bench.read('out')).toBe('a\n');
    expect(stdout).toContain("executing `echo a > out #: name=prep priority=3'\n");
    expect(bench.content).toBe('d echo a > out #: name=prep priority=3\n');
  });

  it('cpus: limits concurrent jobs to the available CPUs', async () => {
    const bench = new Workbench('. sleep 0.1 #: cpus=2\n'.repeat(4));
    const { status, stdout } = await runmaker(['--json', '-j4', '--cpus=4', bench.runs]);
    expect(status).toBe(0);
    expect(mostAtOnce(stdout)).toBe(2);
  });

  it('mem: limits concurrent jobs to the available memory', async () => {
    const bench = new Workbench('. sleep 0.1 #: mem=1G\n'.repeat(3));
    expect(mostAtOnce((await runmaker(['--json', '-j3', '--mem=1536M', bench.runs])).stdout)).toBe(1);
  });

  it('gpus: limits concurrent jobs to the available GPUs', async () => {
    const bench = new Workbench('. sleep 0.1 #: gpus=1\n'.repeat(3));
    expect(mostAtOnce((await runmaker(['--json', '-j3', '--gpus=2', bench.runs])).stdout)).toBe(2);
  });

  it('a job that does not fit now is skipped, and claimed when there is room', async () => {
    const bench = new Workbench(`. ${fixture('await-file.sh')} go #: cpus=3\n. touch large #: cpus=2\n. touch small go #: cpus=1\n`);
    const { status, stdout } = await runmaker(['--json', '-j3', '--cpus=4', bench.runs], { cwd: bench.folder });
    expect(status).toBe(0);
    expect(only(eventsIn(stdout), 'claimed').map(event => event.job.number)).toEqual([1, 3, 2]);
  });

  it('a job that can never fit is reported once and left to other runners', async () => {
    const bench = new Workbench('. touch large #: cpus=9 mem=1T gpus=3\n. true\n. true\n');
    const { status, stderr } = await runmaker(['--cpus=4', '--mem=1G', '--gpus=0', bench.runs], { cwd: bench.folder });
    expect(stderr).toBe(
      'runmaker: line 1 needs cpus=9 mem=1T gpus=3, more than this host has\nit is left to other hosts; --cpus, --mem and --gpus say what this one may give\n',
    );
    expect(status).toBe(0);
    expect(bench.states).toBe('.dd');
    expect(existsSync(bench.path('large'))).toBe(false);
  });

  it('timeout: overrides --timeout for this job', async () => {
    const bench = new Workbench('. sleep 30 #: timeout=200ms\n. sleep 0.3 #: timeout=20s\n');
    const { status } = await runmaker(['--timeout=250ms', bench.runs]);
    expect(status).toBe(1);
    expect(bench.states).toBe('!d');
  });

  it('retries: overrides --retries for this job', async () => {
    const bench = new Workbench('. echo a >> a; false #: retries=3\n. echo b >> b; false\n. echo c >> c; false #: retries=1\n');
    await runmaker(['--retries=2', bench.runs], { cwd: bench.folder });
    expect([bench.lines('a').length, bench.lines('b').length, bench.lines('c').length]).toEqual([3, 2, 1]);
  });

  it('priority: higher first, then file order', async () => {
    const bench = new Workbench(
      '. echo 1\n. echo 2 #: priority=1\n. echo 3 #: priority=-1\n. echo 4 #: priority=7\n. echo 5 #: priority=7\n. echo 6\n',
    );
    expect(started((await runmaker(['--json', bench.runs])).stdout)).toEqual([4, 5, 2, 1, 6, 3]);
  });

  it('after: starts once all jobs that it names are done, by number or by name', async () => {
    const bench = new Workbench('. echo 1 #: after=prep,3\n. echo 2 #: name=prep\n. echo 3\n. echo 4 #: name=prep\n');
    expect(started((await runmaker(['--json', bench.runs])).stdout)).toEqual([2, 3, 4, 1]);
  });

  it('after: blocks the job if one of them fails; the rest runs, and the runner reports what is left', async () => {
    const bench = new Workbench('. false #: name=prep\n. echo 2 #: after=prep\n. echo 3 #: after=2\n. true\n');
    const { status, stderr } = await runmaker([bench.runs]);
    expect(status).toBe(1);
    expect(bench.states).toBe('!..d');
    expect(stderr).toContain('2 jobs are blocked and cannot run');
  });

  it('after: holds across two runners', async () => {
    const chain = Array.from({ length: 30 }, (_, at) => `. echo ${at + 1} >> order${at === 0 ? '' : ` #: after=${at}`}\n`).join('');
    const bench = new Workbench(chain);
    const ended = await Promise.all([1, 2].map(() => runmaker(['-j2', bench.runs], { cwd: bench.folder })));
    for (const { status } of ended) expect(status).toBe(0);
    expect(bench.lines('order').map(Number)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
  });

  it('barriers: jobs below start when all jobs above are done', async () => {
    const bench = new Workbench(`. ${waiting('true', 'echo a >> order')}\n. echo b >> order\n---\n. echo c >> order\n`);
    const runner = startProgram('runmaker', ['-j3', bench.runs], { cwd: bench.folder });
    await bench.reaches('rd.');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(0);
    expect(bench.lines('order')).toEqual(['b', 'a', 'c']);
  });

  it('barriers: a failure above blocks the jobs below', async () => {
    const bench = new Workbench('. false\n---\n. true\n');
    expect((await runmaker([bench.runs])).status).toBe(1);
    expect(bench.states).toBe('!.');
  });
});

describe('a bad directive', () => {
  it.each([
    ['. true #: color=red', 'line 2, column 11: "color" is not a directive; '],
    ['. true #: cpus=lots', 'line 2, column 16: cpus cannot be "lots"; it takes a number such as 2 or 0.5'],
    ['. true #: cpus', 'line 2, column 11: "cpus" is not of the form key=value'],
    ['. true #: cpus=1 cpus=2', 'line 2, column 18: cpus is given twice'],
    ['.\ttrüe #: mem=x', 'line 2, column 16: mem cannot be "x"; it takes a size'],
  ])('is reported with line and column; the line is skipped, the rest runs: %s', async (line, message) => {
    const bench = new Workbench(`. true\n${line}\n. true\n`);
    const { status, stderr } = await runmaker([bench.runs]);
    expect(stderr.startsWith(`runmaker: ${message}`), stderr).toBe(true);
    expect(stderr.trimEnd().split('\n').slice(1)).toEqual([
      'the line is left alone until it is mended',
      'runmaker: 1 job is blocked and cannot run: what line 2 says cannot be read or come true',
      `see runset --list ${bench.runs} 2, and mend the directives`,
    ]);
    expect(status).toBe(2);
    expect(bench.states).toBe('d.d');
  });

  it.each([
    ['after=99', 'after: line 99 is not a job'],
    ['after=1', 'after: line 1 is not a job'],
    ['after=nobody', 'after: no job is named nobody'],
    ['after=2', 'after: line 2 waits for itself, by way of itself'],
    ['after=4', 'after: line 4 stands below a barrier that waits for this line'],
  ])('includes one that can never be satisfied, reported at the column in question: %s', async (directive, message) => {
    const line = `. true #: name=x ${directive}`;
    const bench = new Workbench(`# no job\n${line}\n---\n. true\n`);
    const { stderr } = await runmaker([bench.runs]);
    const [, column, said] = /^runmaker: line 2, column (\d+): (.*)$/m.exec(stderr) ?? [];
    expect(said).toBe(message);
    expect(line.slice(Number(column) - 1)).toMatch(/^(after=|99|1|2|4|nobody)/);
  });

  it('that forms a circle is reported on all lines of the circle', async () => {
    const bench = new Workbench('. true #: after=2\n. true #: after=3\n. true #: after=1\n. true\n');
    const { stderr } = await runmaker([bench.runs]);
    expect(stderr.match(/after: line .*$/gm)).toEqual([
      'after: line 1 waits for itself, by way of line 2',
      'after: line 2 waits for itself, by way of line 3',
      'after: line 3 waits for itself, by way of line 1',
    ]);
    expect(bench.states).toBe('...d');
  });

  it('is ignored in a line that is not a job, or is done', async () => {
    const bench = new Workbench('# true #: color=red\nd true #: color=red\n. true\n');
    const { stderr, status } = await runmaker([bench.runs]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

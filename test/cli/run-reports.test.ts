import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { HOST, programWords, run, runmaker, startProgram } from '../support/programs.js';

const RECORD = 161;

/** The records of a log file, without padding, process ids replaced; '' where nothing is written yet. */
function recordsOf(bench: Workbench, name = 'log'): string[] {
  const bytes = readFileSync(bench.path(name));
  expect(bytes.length % RECORD).toBe(0);
  return Array.from({ length: bytes.length / RECORD }, (_, at) => {
    const record = bytes.subarray(at * RECORD, (at + 1) * RECORD);
    if (record.every(byte => byte === 0)) return '';
    expect(record[RECORD - 1]).toBe('\n'.charCodeAt(0));
    return record
      .toString()
      .trimEnd()
      .replace(/,\d+\)/g, ',PID)');
  });
}

describe('--logfile', () => {
  it.each(['-l', '--logfile'])('%s keeps the last lines of each job in records of 160 bytes, indexed by job', async option => {
    const bench = new Workbench('# no job\n. echo a; echo b >&2; sleep 0.1; echo c\n\n- held\n. exit 3\n');
    await runmaker([option, 'log', 'runs.txt'], { cwd: bench.folder });
    const records = recordsOf(bench);
    expect(records.slice(0, 2)).toEqual([
      `.-> echo a; echo b >&2; sleep 0.1; echo c (in ${bench.folder})`,
      expect.stringMatching(/^[:!] std(out|err) \(/),
    ]);
    expect(records.slice(2, 4)).toEqual([
      `: stdout (${HOST},PID): c`,
      `+ status (${HOST},PID): exit 0 "echo a; echo b >&2; sleep 0.1; echo c"`,
    ]);
    // The held job has a block, too, which is not written yet.
    expect(records.slice(4, 8)).toEqual(['', '', '', '']);
    expect(records.slice(8)).toEqual([
      `.-> exit 3 (in ${bench.folder})`,
      `+ status (${HOST},PID): forked "exit 3"`,
      `+ status (${HOST},PID): exit 3 "exit 3"`,
      ':',
    ]);
  });

  it('keeps what other runners have written, and is written while jobs run', async () => {
    const bench = new Workbench(`. echo one\n. ${waiting('echo early')}\n`);
    await runmaker(['-1', '-l', 'log', 'runs.txt'], { cwd: bench.folder });
    const before = readFileSync(bench.path('log'));
    const runner = startProgram('runmaker', ['-l', 'log', 'runs.txt'], { cwd: bench.folder });
    await bench.has('pids');
    await eventually('the start is logged', () => recordsOf(bench)[5]?.match(/^\+ status .*forked "/));
    writeFileSync(bench.path('go'), '');
    await runner.ended;
    expect(readFileSync(bench.path('log')).subarray(0, 4 * RECORD)).toEqual(before);
    expect(recordsOf(bench)[6]).toBe(`: stdout (${HOST},PID): early`);
  });

  it('never cuts inside a character', async () => {
    const bench = new Workbench(`. : ${'é'.repeat(100)}\n`);
    await runmaker(['-l', 'log', 'runs.txt'], { cwd: bench.folder });
    for (const record of recordsOf(bench)) expect(record).not.toContain('\ufffd');
  });

  it('shows where the jobs run', async () => {
    const bench = new Workbench('. true\n');
    await runmaker(['-l', 'log', '--chdir', '/', 'runs.txt'], { cwd: bench.folder });
    expect(recordsOf(bench)[0]).toBe('.-> true (in /)');
  });
});

describe('--loglines', () => {
  it.each(['-n', '--loglines'])('%s sets how many lines of each job are kept', async option => {
    const bench = new Workbench('. seq 10\n. true\n');
    await runmaker(['-l', 'log', option, '2', 'runs.txt'], { cwd: bench.folder });
    expect(recordsOf(bench)).toEqual([
      `.-> seq 10 (in ${bench.folder})`,
      `: stdout (${HOST},PID): 10`,
      `+ status (${HOST},PID): exit 0 "seq 10"`,
      `.-> true (in ${bench.folder})`,
      `+ status (${HOST},PID): forked "true"`,
      `+ status (${HOST},PID): exit 0 "true"`,
    ]);
  });
});

describe('--joblog', () => {
  const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand';

  it("has a line for each finished run, in GNU parallel's columns", async () => {
    const bench = new Workbench('# no job\n. printf 12345; sleep 0.2\n. exit 7\n. kill -9 $$\n');
    const before = Date.now() / 1000;
    await runmaker(['--joblog', 'joblog', 'runs.txt'], { cwd: bench.folder });
    const [header, ...rows] = bench.lines('joblog');
    expect(header).toBe(HEADER);
    const columns = rows.map(row => row.split('\t'));
    expect(
      columns.map(([seq, host, , , send, receive, exit, signal, command]) => [seq, host, send, receive, exit, signal, command]),
    ).toEqual([
      ['2', HOST, '0', '5', '0', '0', 'printf 12345; sleep 0.2'],
      ['3', HOST, '0', '0', '7', '0', 'exit 7'],
      ['4', HOST, '0', '0', '0', '9', 'kill -9 $$'],
    ]);
    const [, , start, runtime] = columns[0] ?? [];
    expect(Number(start)).toBeGreaterThanOrEqual(before - 1);
    expect(Number(start)).toBeLessThanOrEqual(Date.now() / 1000);
    expect(Number(runtime)).toBeGreaterThanOrEqual(0.19);
  });

  it('accepts lines from several runners at once, under one header', async () => {
    const count = 60;
    const bench = new Workbench('. true\n'.repeat(count));
    await Promise.all([1, 2].map(() => runmaker(['-j2', '--joblog', 'joblog', 'runs.txt'], { cwd: bench.folder })));
    const [header, ...rows] = bench.lines('joblog');
    expect(header).toBe(HEADER);
    expect(rows.map(row => Number(row.split('\t')[0])).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  });

  it('has a line for each attempt', async () => {
    const bench = new Workbench('. [ $RUNMAKER_ATTEMPT = 2 ]\n');
    await runmaker(['--retries=3', '--joblog', 'joblog', 'runs.txt'], { cwd: bench.folder });
    expect(
      bench
        .lines('joblog')
        .slice(1)
        .map(row => row.split('\t')[6]),
    ).toEqual(['1', '0']);
  });

  it.each(['/dev/fd/5', '/dev/stderr'])('may go where the shell redirects %s', async name => {
    const bench = new Workbench('. true\n');
    const words = [...programWords('runmaker'), '--quiet', '--joblog', name, 'runs.txt'].join(' ');
    await run('sh', ['-c', `${words} 5>&1 2>&1 | cat > joblog`], { cwd: bench.folder });
    expect(bench.lines('joblog')).toEqual([HEADER, expect.stringMatching(/^1\t.*\ttrue$/)]);
  });

  it('can be read by GNU parallel: --resume runs the rest', { tags: ['parallel'] }, async () => {
    const bench = new Workbench('. echo 1\n. echo 2\n! echo 3\n');
    await runmaker(['--joblog', 'joblog', 'runs.txt'], { cwd: bench.folder });
    const { stdout } = await run('parallel', ['--resume', '--joblog', 'joblog', 'echo', ':::', '1', '2', '3'], { cwd: bench.folder });
    expect(stdout).toBe('3\n');
  });
});

describe('--results', () => {
  it('holds complete outputs, byte for byte, and how the job ended, by line number', async () => {
    const bench = new Workbench('# no job\n. printf "a\\377\\n"; echo b >&2; exit 3\n. seq 100000\n');
    await runmaker(['--quiet', '--results', 'out', 'runs.txt'], { cwd: bench.folder });
    expect(readFileSync(bench.path('out/2/stdout'))).toEqual(Buffer.from([0x61, 0xff, 0x0a]));
    expect(bench.read('out/2/stderr')).toBe('b\n');
    expect(bench.lines('out/3/stdout').length).toBe(100_000);
    expect(bench.read('out/3/stderr')).toBe('');
    expect(existsSync(bench.path('out/1'))).toBe(false);
    const status = JSON.parse(bench.read('out/2/status.json'));
    expect(status).toMatchObject({ host: HOST, pid: expect.any(Number), start: expect.any(String), end: expect.any(String), exit: 3 });
    expect(JSON.parse(bench.read('out/3/status.json'))).toMatchObject({ exit: 0 });
  });

  it('is written as the output arrives, and shows that the job runs', async () => {
    const bench = new Workbench(`. ${waiting('echo early', 'echo late')}\n`);
    const runner = startProgram('runmaker', ['--results', 'out', 'runs.txt'], { cwd: bench.folder });
    expect(await bench.has('out/1/stdout')).toEqual(['early']);
    const status = await eventually('there is a status', () => JSON.parse(bench.read('out/1/status.json')));
    expect(status).toMatchObject({ host: HOST, pid: expect.any(Number) });
    expect(status.end ?? null).toBeNull();
    writeFileSync(bench.path('go'), '');
    await runner.ended;
    expect(bench.read('out/1/stdout')).toBe('early\nlate\n');
  });

  it('holds the outputs of the last attempt', async () => {
    const bench = new Workbench('. echo attempt $RUNMAKER_ATTEMPT; [ $RUNMAKER_ATTEMPT = 2 ]\n');
    await runmaker(['--retries=2', '--results', 'out', 'runs.txt'], { cwd: bench.folder });
    expect(bench.read('out/1/stdout')).toBe('attempt 2\n');
  });
});

import { describe, expect, it } from 'vitest';
import { type ConsoleOptions, ConsoleReport } from '../../../src/report/console/console-report.js';
import { ByteSink } from '../../../src/report/output/byte-sink.js';
import { attemptAt, job, MemorySink, tell } from '../support.js';

function consoleReport(options: Partial<ConsoleOptions> = {}) {
  const out = new MemorySink();
  const err = new MemorySink();
  const { listener } = new ConsoleReport(out, err, { host: 'alice', colour: false, quiet: false, onTerminal: false, ...options });
  return { out, err, listener };
}

describe('the console', () => {
  it('reports every event of a job', () => {
    const { out, err, listener } = consoleReport();
    const run = attemptAt('echo a; sleep 60s; echo A');
    tell(listener, run.claimed, run.started, run.stdout('a\n'), run.stderr('oh\n'), run.stdout('A\n'), run.ended(), run.finished('d'));
    expect(out.text).toBe(
      [
        "executing `echo a; sleep 60s; echo A'",
        'status (alice,601): forked "echo a; sleep 60s; echo A"',
        'stdout (alice,601): a',
        'stderr (alice,601): oh',
        'stdout (alice,601): A',
        'status (alice,601): exit 0 "echo a; sleep 60s; echo A"',
        '',
      ].join('\n'),
    );
    expect(err.text).toBe('');
  });

  it('writes whole lines of each event in one call, however jobs write', () => {
    const { out, listener } = consoleReport();
    const first = attemptAt('one');
    const second = attemptAt('two', { slot: 2, label: 'alice,602' });
    tell(listener, first.started, second.started, first.stdout('a\nb\nha'), second.stdout('x\n'), first.stdout('lf\n'));
    expect(out.writes.slice(2).map(String)).toEqual([
      'stdout (alice,601): a\nstdout (alice,601): b\n',
      'stdout (alice,602): x\n',
      'stdout (alice,601): half\n',
    ]);
  });

  it('keeps the unfinished lines of both streams apart and prints them at the end', () => {
    const { out, listener } = consoleReport();
    const run = attemptAt('printf');
    tell(listener, run.started, run.stdout('o'), run.stderr('e'), run.ended());
    expect(String(out.writes[1])).toBe('stdout (alice,601): o\nstderr (alice,601): e\nstatus (alice,601): exit 0 "printf"\n');
  });

  it.each([
    ['exit 3', { kind: 'exited', code: 3 } as const],
    ['exit -9', { kind: 'signalled', signal: 9 } as const],
    ['exit -15', { kind: 'interrupted', exit: { kind: 'signalled', signal: 15 } } as const],
  ])('prints %s', (text, outcome) => {
    const { out, listener } = consoleReport();
    tell(listener, attemptAt('cmd').ended(outcome));
    expect(out.text).toBe(`status (alice,601): ${text} "cmd"\n`);
  });

  it('reports the timeout before the exit', () => {
    const { out, listener } = consoleReport();
    tell(listener, attemptAt('cmd').ended({ kind: 'timedOut', after: 7_200_000, exit: { kind: 'signalled', signal: 15 } }));
    expect(out.text).toBe('status (alice,601): timed out after 2h "cmd"\nstatus (alice,601): exit -15 "cmd"\n');
  });

  it('names the host of a job that could not be started', () => {
    const { out, listener } = consoleReport();
    tell(listener, { type: 'notStarted', job: job('cmd'), slot: 1, message: 'no such shell' });
    expect(out.text).toBe('status (alice): not started: no such shell "cmd"\n');
  });

  it('prints commands and output byte for byte', () => {
    const { out, listener } = consoleReport();
    const run = attemptAt(Buffer.from([0xff, 0x00, 0xe4]));
    tell(listener, run.started);
    tell(listener, run.stdout(Buffer.from([0xfe, 0x0a])));
    expect(Buffer.concat(out.writes)).toEqual(
      Buffer.concat([
        Buffer.from('status (alice,601): forked "'),
        Buffer.from([0xff, 0x00, 0xe4]),
        Buffer.from('"\nstdout (alice,601): '),
        Buffer.from([0xfe, 0x0a]),
      ]),
    );
  });

  it('prints warnings on stderr, with the hint on its own line', () => {
    const { out, err, listener } = consoleReport();
    tell(listener, { type: 'warning', message: 'line 3 is odd', hint: 'mend it' });
    tell(listener, { type: 'warning', message: 'so is line 4' });
    expect(err.text).toBe('runmaker: line 3 is odd\nmend it\nrunmaker: so is line 4\n');
    expect(out.text).toBe('');
  });

  it('warns when a state could not be written', () => {
    const { err, listener } = consoleReport();
    tell(listener, attemptAt(job('cmd', { number: 7 })).finished('d', 'the line has changed'));
    expect(err.text).toBe(
      "runmaker: job 7: its state 'd' was not written: the line has changed\nlook at its line before you run it again\n",
    );
  });

  it('with --quiet prints only the output of jobs, but hides no trouble', () => {
    const { out, err, listener } = consoleReport({ quiet: true });
    const run = attemptAt('cmd');
    tell(listener, run.claimed, run.started, run.stdout('a\nb'), run.ended({ kind: 'exited', code: 1 }));
    tell(listener, { type: 'notStarted', job: job('cmd', { number: 7 }), slot: 1, message: 'no such shell' });
    expect(out.text).toBe('stdout (alice,601): a\nstdout (alice,601): b\n');
    expect(err.text).toBe('runmaker: job 7 could not be started: no such shell\n');
  });

  it('in colour dims the status, and shows stderr in red and tags in the colour of the slot', () => {
    const { out, listener } = consoleReport({ colour: true });
    const run = attemptAt('cmd');
    tell(listener, run.started, run.stdout('a\n'), run.stderr('b\r\n'));
    expect(out.writes.map(String)).toEqual([
      '\x1b[2mstatus (alice,601): forked "cmd"\x1b[22m\n',
      '\x1b[36mstdout (alice,601):\x1b[39m a\n',
      '\x1b[36mstderr (alice,601):\x1b[39m \x1b[31mb\x1b[39m\r\n',
    ]);
  });

  it("passes on a slow reader's request for a pause", async () => {
    let release: (written: number) => void = () => undefined;
    const slow = new ByteSink(-1, { highWater: 10, write: () => new Promise(resolve => (release = resolve)) });
    const { listener } = new ConsoleReport(slow, slow, { host: 'alice', colour: false, quiet: false, onTerminal: false });
    const pause = listener(attemptAt('cmd').stdout('line\n'));
    expect(pause).toBeInstanceOf(Promise);
    await new Promise(resolve => setImmediate(resolve));
    release('stdout (alice,601): line\n'.length);
    await pause;
  });
});

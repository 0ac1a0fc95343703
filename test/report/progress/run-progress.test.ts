import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConsoleReport } from '../../../src/report/console/console-report.js';
import { LastLine } from '../../../src/report/progress/last-line.js';
import { Progress } from '../../../src/report/progress/progress.js';
import { RUN_PROGRESS, runProgressText } from '../../../src/report/progress/run-progress.js';
import { attemptAt, counts, job, MemorySink, screen, tell } from '../support.js';

describe('the text of the progress line', () => {
  it('counts done, failed and running jobs, and shows the time left', () => {
    const some = counts({ new: 22, running: 4, done: 12, failed: 1, error: 1 });
    expect(runProgressText(some, 180_000)).toBe('12 of 40 done, 2 failed, 4 running, 3m left');
  });

  it('estimates in whole seconds', () => {
    expect(runProgressText(counts({ running: 1 }), 201)).toBe('0 of 1 done, 0 failed, 1 running, 1s left');
  });

  it('omits the time left while it is unknown', () => {
    expect(runProgressText(counts({ new: 1 }))).toBe('0 of 1 done, 0 failed, 0 running');
  });
});

describe('the progress line', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function terminal(columns = 80) {
    const sink = new MemorySink();
    const line = new LastLine(sink);
    const size = { columns };
    const progress = new Progress(line, RUN_PROGRESS, { columns: () => size.columns, now: () => Date.now() });
    return { sink, line, size, progress, shown: () => screen(sink.text) };
  }

  it('appears with the first counts and disappears without a trace', async () => {
    const { progress, shown, sink } = terminal();
    expect(sink.writes).toEqual([]);
    progress.update(counts({ new: 2, running: 1 }));
    expect(shown()).toEqual(['0 of 3 done, 0 failed, 1 running']);
    await progress.close();
    expect(shown()).toEqual(['']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('follows the queue', async () => {
    const { progress, shown } = terminal();
    progress.update(counts({ new: 1, running: 1 }));
    vi.advanceTimersByTime(1000);
    expect(shown()).toEqual(['0 of 2 done, 0 failed, 1 running']);
    progress.update(counts({ new: 1, failed: 1 }));
    vi.advanceTimersByTime(1000);
    expect(shown()).toEqual(['0 of 2 done, 1 failed, 0 running, 2s left']);
    progress.update(counts({ done: 2 }));
    vi.advanceTimersByTime(1000);
    expect(shown()).toEqual(['2 of 2 done, 0 failed, 0 running, 0s left']);
    await progress.close();
  });

  it('excludes jobs that are held or can never run from the time left', async () => {
    const { progress, shown } = terminal();
    progress.update(counts({ new: 5, held: 10, blocked: 4 }));
    vi.advanceTimersByTime(10_000);
    progress.update(counts({ new: 4, done: 1, held: 10, blocked: 3 }));
    vi.advanceTimersByTime(200);
    expect(shown()[0]).toMatch(/, 1[01]s left$/);
    await progress.close();
  });

  it('never mixes with the output of jobs', async () => {
    const { line, progress, shown } = terminal();
    const { listener } = new ConsoleReport(line, line, { host: 'alice', colour: false, quiet: false, onTerminal: false });
    progress.update(counts({ new: 3 }));
    const run = attemptAt(job('cmd'));
    for (const event of [run.claimed, run.started, run.stdout('half'), run.stdout(' and half\nb\n')]) {
      tell(listener, event);
      vi.advanceTimersByTime(150);
    }
    tell(listener, { type: 'warning', message: 'odd' });
    expect(shown()).toEqual([
      "executing `cmd'",
      'status (alice,601): forked "cmd"',
      'stdout (alice,601): half and half',
      'stdout (alice,601): b',
      'runmaker: odd',
      '0 of 3 done, 0 failed, 0 running',
    ]);
    await progress.close();
    expect(shown().at(-1)).toBe('');
  });

  it('is cut to the current width of the terminal', async () => {
    const { progress, size, shown } = terminal(12);
    progress.update(counts({ new: 3 }));
    expect(shown()).toEqual(['0 of 3 done']);
    size.columns = 8;
    vi.advanceTimersByTime(1000);
    expect(shown()).toEqual(['0 of 3 ']);
    await progress.close();
  });

  it('assumes the usual width where the terminal does not report one', async () => {
    const { progress, shown } = terminal(0);
    progress.update(counts({ new: 3 }));
    expect(shown()).toEqual(['0 of 3 done, 0 failed, 0 running']);
    await progress.close();
  });

  it("leaves the terminal's modes alone: no wrapping switched off, no cursor hidden or moved", async () => {
    const { progress, sink } = terminal();
    progress.update(counts({ new: 1 }));
    progress.update(counts({ done: 1 }));
    await progress.close();
    expect(sink.text.replaceAll('\r\x1b[K', '')).not.toContain('\x1b');
  });
});

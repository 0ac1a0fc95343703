import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LastLine } from '../../../src/report/progress/last-line.js';
import { Progress } from '../../../src/report/progress/progress.js';
import { progressBar, progressLine, WAIT_PROGRESS } from '../../../src/report/progress/wait-progress.js';
import { counts, MemorySink, screen } from '../support.js';

describe('the lines of runwait -p', () => {
  it('match those of the older program', () => {
    expect(progressLine(counts({ new: 4, running: 4, done: 4, failed: 2, error: 2 }))).toBe(
      'progress:   8 of  16 jobs processed, 4 errors [====ee!!>>>>    ]',
    );
  });

  it('widen for more than 999 jobs', () => {
    expect(progressLine(counts({ done: 1234 }))).toBe('progress: 1234 of 1234 jobs processed, 0 errors [================]');
  });

  it('have an empty bar if there are no jobs', () => {
    expect(progressLine(counts({}))).toBe('progress:   0 of   0 jobs processed, 0 errors [                ]');
  });

  it('round each part of the bar down', () => {
    expect(progressBar(counts({ done: 1, failed: 1, error: 1 }))).toBe('=====eeeee!!!!! ');
  });

  it('have a bar of 16 characters, whatever the counts', () => {
    const some = fc.record({
      new: fc.nat(99),
      running: fc.nat(99),
      done: fc.nat(99),
      failed: fc.nat(99),
      error: fc.nat(99),
      held: fc.nat(99),
    });
    fc.assert(fc.property(some, kinds => /^=*e*!*>* *$/.test(progressBar(counts(kinds))) && progressBar(counts(kinds)).length === 16));
  });
});

describe('the live bar of runwait -p', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('shows the bar, the rate and the time left, and keeps its last text', async () => {
    const sink = new MemorySink();
    const progress = new Progress(new LastLine(sink), WAIT_PROGRESS, { columns: () => 80, now: () => Date.now() });
    progress.update(counts({ new: 6, running: 2 }));
    expect(screen(sink.text)).toEqual(['[>>>>            ] 0 of 8 jobs processed, 0 errors']);
    vi.advanceTimersByTime(60_000);
    progress.update(counts({ new: 4, running: 2, done: 1, failed: 1 }));
    vi.advanceTimersByTime(200);
    expect(screen(sink.text)).toEqual(['[==!!>>>>        ] 2 of 8 jobs processed, 1 errors, 2.0/min, 3m left']);
    await progress.close();
    expect(screen(sink.text)).toEqual(['[==!!>>>>        ] 2 of 8 jobs processed, 1 errors, 2.0/min, 3m left', '']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('shows nothing if it never received counts', async () => {
    const sink = new MemorySink();
    await new Progress(new LastLine(sink), WAIT_PROGRESS, { columns: () => 80 }).close();
    expect(sink.writes).toEqual([]);
  });
});

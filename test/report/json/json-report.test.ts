import { describe, expect, it } from 'vitest';
import { JsonReport } from '../../../src/report/json/json-report.js';
import type { RunEvent } from '../../../src/run/events.js';
import { attemptAt, job, MemorySink, START, tell } from '../support.js';

const NOW = '2026-11-21T12:00:09.000Z';

/** The printed events, parsed. */
function printed(...events: RunEvent[]): unknown[] {
  const out = new MemorySink();
  const { listener } = new JsonReport(out, () => Date.parse(NOW));
  tell(listener, ...events);
  expect(out.text === '' || out.text.endsWith('\n')).toBe(true);
  return out.text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));
}

describe('JSON', () => {
  const run = attemptAt(job('echo "a"', { number: 3 }));
  const place = { slot: 1, attempt: 1, host: 'alice', pid: 601, handle: '601' };
  const theJob = { id: '3', number: 3, state: '.', command: 'echo "a"' };

  it('reports every event of a job', () => {
    expect(printed(run.claimed, run.started, run.stdout('a\n'), run.ended(), run.finished('d'))).toEqual([
      { event: 'claimed', time: NOW, job: theJob, slot: 1 },
      { event: 'started', time: new Date(START).toISOString(), job: theJob, ...place },
      { event: 'output', time: NOW, job: { id: '3', number: 3 }, ...place, stream: 'stdout', text: 'a' },
      {
        event: 'ended',
        time: '2026-11-21T12:00:01.750Z',
        job: theJob,
        ...place,
        start: '2026-11-21T12:00:00.250Z',
        end: '2026-11-21T12:00:01.750Z',
        outcome: 'exited',
        exit: 0,
        signal: null,
        again: false,
      },
      { event: 'finished', time: NOW, job: theJob, slot: 1, state: 'd' },
    ]);
  });

  it('has an event for each line, including a last one without a newline', () => {
    const events = printed(run.stdout('a\nb'), run.stderr('e'), run.stdout('c\n'), run.stdout('d'), run.ended());
    expect(events.map(event => (event as { text?: string }).text)).toEqual(['a', 'bc', 'd', 'e', undefined]);
  });

  it('encodes bytes that are not UTF-8 as base64', () => {
    const binary = attemptAt(Buffer.from([0xff]));
    expect(printed(binary.claimed, binary.stdout(Buffer.from([0xfe, 0x0a, 0x61, 0x0a])))).toMatchObject([
      { job: { base64: '/w==' } },
      { base64: '/g==' },
      { text: 'a' },
    ]);
  });

  it('keeps carriage returns and control characters', () => {
    expect(printed(run.stdout('a\x1b[31m\0\r\n'))).toMatchObject([{ text: 'a\x1b[31m\0\r' }]);
  });

  it.each([
    [
      { kind: 'signalled', signal: 9 },
      { outcome: 'signalled', exit: null, signal: 9 },
    ],
    [
      { kind: 'timedOut', after: 1, exit: { kind: 'signalled', signal: 15 } },
      { outcome: 'timedOut', exit: null, signal: 15 },
    ],
    [
      { kind: 'interrupted', exit: { kind: 'exited', code: 0 } },
      { outcome: 'interrupted', exit: 0, signal: null },
    ],
  ] as const)('knows %o', (outcome, expected) => {
    expect(printed(run.ended(outcome, { again: true }))).toMatchObject([{ ...expected, again: true }]);
  });

  it('reports jobs that could not be started, states that could not be written, and warnings', () => {
    expect(
      printed(
        { type: 'notStarted', job: run.started.job, slot: 2, message: 'no such shell' },
        run.finished('d', 'the line has changed'),
        { type: 'warning', message: 'odd', hint: 'mend it' },
        { type: 'warning', message: 'odd' },
      ),
    ).toEqual([
      { event: 'notStarted', time: NOW, job: theJob, slot: 2, message: 'no such shell' },
      { event: 'finished', time: NOW, job: theJob, slot: 1, state: 'd', refused: 'the line has changed' },
      { event: 'warning', time: NOW, message: 'odd', hint: 'mend it' },
      { event: 'warning', time: NOW, message: 'odd' },
    ]);
  });
});

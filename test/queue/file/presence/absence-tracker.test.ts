import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AbsenceTracker } from '../../../../src/queue/file/presence/absence-tracker.js';

const SETTLED = 10_000;
const job = { offset: 0, command: Buffer.from('a') };

/** One look that sees presence at the job, or none. Says whether the job counts as an orphan. */
function look(absences: AbsenceTracker, seen: 'nobody' | 'somebody', { offset, command } = job, edits = 1): boolean {
  const now = absences.look(edits);
  const isOrphan = seen === 'nobody' && now.note({ offset, command });
  now.end();
  return isOrphan;
}

describe('the absence of the runner of a job', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('counts when it has lasted from look to look', () => {
    const absences = new AbsenceTracker(SETTLED);
    expect(look(absences, 'nobody')).toBe(false);
    vi.advanceTimersByTime(SETTLED - 1);
    expect(look(absences, 'nobody')).toBe(false);
    vi.advanceTimersByTime(1);
    expect(look(absences, 'nobody')).toBe(true);
  });

  it.each([
    ['somebody was seen in between', (absences: AbsenceTracker) => void look(absences, 'somebody')],
    [
      'the line holds another command by now',
      (absences: AbsenceTracker) => void look(absences, 'nobody', { offset: 0, command: Buffer.from('b') }),
    ],
    ['nobody has looked for long', () => void vi.advanceTimersByTime(3 * SETTLED)],
    ['the file was edited, though that was soon', (absences: AbsenceTracker) => void look(absences, 'nobody', job, 2)],
  ])('begins anew when %s', (_, between) => {
    const absences = new AbsenceTracker(SETTLED, 2 * SETTLED);
    look(absences, 'nobody');
    vi.advanceTimersByTime(SETTLED / 2);
    between(absences);
    vi.advanceTimersByTime(SETTLED / 2);
    expect(look(absences, 'nobody')).toBe(false);
  });

  it('lasts however far apart the looks are, where nothing else is said', () => {
    const absences = new AbsenceTracker(SETTLED);
    look(absences, 'nobody');
    vi.advanceTimersByTime(100 * SETTLED);
    expect(look(absences, 'nobody')).toBe(true);
  });

  it('must last longer where the last looks took long: runners need as long to look after their jobs', () => {
    const absences = new AbsenceTracker(SETTLED);
    const slow = absences.look(1);
    vi.advanceTimersByTime(1000);
    slow.note(job);
    slow.end();
    vi.advanceTimersByTime(SETTLED + 2999);
    expect(look(absences, 'nobody')).toBe(false);
    vi.advanceTimersByTime(1);
    expect(look(absences, 'nobody')).toBe(true);
  });

  it('need not last longer for ever because of one look that took long', () => {
    const absences = new AbsenceTracker(SETTLED);
    const stuck = absences.look(1);
    vi.advanceTimersByTime(600_000);
    stuck.end();
    expect(absences.needed).toBe(2 * SETTLED);
    for (let looks = 0; looks < 2; looks++) absences.look(1).end();
    expect(absences.needed).toBe(SETTLED);
  });

  it('begins anew when the job was set back, and somebody else may run it', () => {
    const absences = new AbsenceTracker(SETTLED);
    look(absences, 'nobody');
    vi.advanceTimersByTime(SETTLED);
    expect(look(absences, 'nobody')).toBe(true);
    expect(look(absences, 'nobody')).toBe(false);
  });
});

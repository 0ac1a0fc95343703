import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { commandDigest } from '../../src/job/command-digest.js';
import { NO_DIRECTIVES } from '../../src/job/directives.js';
import type { Job } from '../../src/job/job.js';
import { jobMatcher, parseJobChoice, type Selection, selectionOf } from '../../src/job/selection.js';

function job(
  number: number,
  { state = '.', command = 'true', offset = number * 10 }: { state?: string; command?: string | Buffer; offset?: number } = {},
): Job {
  return { id: String(number), number, ordinal: number, offset, state, command: Buffer.from(command), directives: NO_DIRECTIVES };
}

/** Which of the lines 1 … 12 a selection chooses. */
function chosen(selection: Selection): number[] {
  const lines = Array.from({ length: 12 }, (_, index) => index + 1);
  return lines.filter(line => jobMatcher(selection)(job(line)));
}

const usageError = (message: string) => expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) });

describe('parseJobChoice', () => {
  test.each([
    ['3', { lines: [{ from: 3, to: 3 }], offsets: [] }],
    ['3-10', { lines: [{ from: 3, to: 10 }], offsets: [] }],
    ['4-4', { lines: [{ from: 4, to: 4 }], offsets: [] }],
    ['-5', { lines: [{ to: 5 }], offsets: [] }],
    ['20-', { lines: [{ from: 20 }], offsets: [] }],
    ['@160', { lines: [], offsets: [160] }],
    ['@0', { lines: [], offsets: [0] }],
    [
      '3,7-9,@160',
      {
        lines: [
          { from: 3, to: 3 },
          { from: 7, to: 9 },
        ],
        offsets: [160],
      },
    ],
  ])('reads %s', (text, choice) => {
    expect(parseJobChoice(text)).toEqual(choice);
  });

  test.each(['', '-', '@', '3,', ',3', '3--5', '3-5-7', '@-5', '@3-5', 'three', '1.5', '3 5', '0x3', '9'.repeat(20)])(
    'refuses %j',
    text => {
      expect(() => parseJobChoice(text)).toThrow(usageError('does not name jobs'));
    },
  );

  it('quotes only the invalid part of a list', () => {
    expect(() => parseJobChoice('3,x,5')).toThrow(usageError('"x"'));
  });

  it('refuses a reversed range, and shows the right order', () => {
    expect(() => parseJobChoice('10-3')).toThrow(expect.objectContaining({ message: '"10-3" runs backwards', hint: 'write 3-10' }));
  });

  test.each(['0', '0-5', '-0', '0-'])('refuses line 0 in %s', text => {
    expect(() => parseJobChoice(text)).toThrow(usageError('lines are counted from 1'));
  });
});

describe('selectionOf', () => {
  it('builds a selection from the given choices', () => {
    expect(selectionOf({ jobs: ['3', '7-9,@160'], state: '!e', match: 'seed' })).toEqual({
      lines: [
        { from: 3, to: 3 },
        { from: 7, to: 9 },
      ],
      offsets: [160],
      states: ['!', 'e'],
      match: 'seed',
    });
  });

  it('survives serialisation as JSON', () => {
    const selection = selectionOf({ jobs: ['-5', '20-', '@1'], state: 'e', match: '\\d$' });
    expect(JSON.parse(JSON.stringify(selection))).toStrictEqual(selection);
  });

  it('turns --all into {}, which chooses everything', () => {
    expect(selectionOf({ all: true })).toStrictEqual({});
  });

  it('allows a state or a pattern beside --all to narrow the choice', () => {
    expect(selectionOf({ all: true, state: 'e' })).toStrictEqual({ states: ['e'] });
  });

  it('accepts any character as a state, without duplicates', () => {
    expect(selectionOf({ state: '.-.x' }).states).toEqual(['.', '-', 'x']);
  });

  it.each([
    ['ready', ['.']],
    ['Running', ['r']],
    ['r,error', ['r', 'e']],
    ['failed,error', ['!', 'e']],
    ['red', ['r', 'e', 'd']],
  ])('accepts states by name, too: %s', (state, states) => {
    expect(selectionOf({ state }).states).toEqual(states);
  });

  it.each(['faild', 'dnoe', 'new,faild', 'failed:error', 'pending', 'xy', 'run'])(
    'does not read a misspelt name as characters: %s',
    state => {
      expect(() => selectionOf({ state })).toThrow(usageError(`--state "${state}" names no state`));
    },
  );

  it('expands "held" to every character that holds a job', () => {
    const { states } = selectionOf({ state: 'held' });
    for (const held of ['-', 'x', 'R', '~', ' ', '\xe9']) expect(states).toContain(held);
    for (const other of ['.', '?', 'r', 'd', '!', 'e']) expect(states).not.toContain(other);
  });

  it('refuses an empty choice', () => {
    expect(() => selectionOf({})).toThrow(usageError('no jobs are chosen'));
    expect(() => selectionOf({ jobs: [], all: false })).toThrow(usageError('no jobs are chosen'));
  });

  it('refuses --all together with job numbers', () => {
    expect(() => selectionOf({ all: true, jobs: ['3'] })).toThrow(usageError('--all contradicts "3"'));
  });

  it('refuses an empty state or pattern, which may come from an unset variable', () => {
    expect(() => selectionOf({ state: '' })).toThrow(usageError('--state'));
    expect(() => selectionOf({ match: '' })).toThrow(usageError('--match'));
    expect(() => selectionOf({ jobs: [''] })).toThrow(usageError('""'));
  });

  it('refuses an invalid regular expression, and keeps the reason', () => {
    expect(() => selectionOf({ match: 'a(' })).toThrow(usageError('"a(" is not a regular expression'));
    expect(() => selectionOf({ match: 'a(' })).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }));
  });
});

describe('jobMatcher', () => {
  it('chooses everything by default', () => {
    expect(chosen({})).toHaveLength(12);
    expect(chosen({ lines: [{}] })).toHaveLength(12);
  });

  it('chooses the lines of any range, both ends included', () => {
    expect(chosen(selectionOf({ jobs: ['-2', '4', '6-7', '11-'] }))).toEqual([1, 2, 4, 6, 7, 11, 12]);
  });

  it('chooses by line number or byte offset', () => {
    expect(chosen(selectionOf({ jobs: ['3', '@70'] }))).toEqual([3, 7]);
  });

  it('chooses nothing from empty lists', () => {
    expect(chosen({ lines: [] })).toEqual([]);
    expect(chosen({ offsets: [] })).toEqual([]);
    expect(chosen({ states: [] })).toEqual([]);
    expect(chosen({ commands: [] })).toEqual([]);
  });

  it('chooses by state', () => {
    const matches = jobMatcher({ states: ['!', 'e'] });
    expect(['.', '?', 'r', 'd', '!', 'e', '-'].filter(state => matches(job(1, { state })))).toEqual(['!', 'e']);
  });

  it('searches for the pattern anywhere in the command, directives included', () => {
    const command = 'python train.py --seed 7 #: name=seven';
    expect(jobMatcher({ match: 'seed 7' })(job(1, { command }))).toBe(true);
    expect(jobMatcher({ match: 'name=seven$' })(job(1, { command }))).toBe(true);
    expect(jobMatcher({ match: '^train' })(job(1, { command }))).toBe(false);
  });

  it('reads commands as UTF-8, and as Latin-1 when they are not valid UTF-8', () => {
    const matches = jobMatcher({ match: '^m.ller$' });
    expect(matches(job(1, { command: 'müller' }))).toBe(true);
    expect(matches(job(1, { command: Buffer.from('m\xfcller', 'latin1') }))).toBe(true);
  });

  it('chooses by the fingerprint of the command', () => {
    const matches = jobMatcher({ commands: [commandDigest(Buffer.from('a'))], states: ['.'] });
    expect(matches(job(1, { command: 'a' }))).toBe(true);
    expect(matches(job(1, { command: 'a', state: 'd' }))).toBe(false);
    expect(matches(job(1, { command: 'aa' }))).toBe(false);
  });

  it('gives the same answer each time', () => {
    const matches = jobMatcher({ match: 'a' });
    expect([1, 2, 3].map(line => matches(job(line, { command: 'aaa' })))).toEqual([true, true, true]);
  });

  it('refuses an invalid pattern from another source', () => {
    expect(() => jobMatcher({ match: '[' })).toThrow(usageError('is not a regular expression'));
  });

  it('combines single choices by AND', () => {
    const line = fc.integer({ min: 1, max: 12 });
    const choices = fc.record({
      lines: fc.array(fc.tuple(line, line).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))),
      states: fc.subarray(['.', 'r', 'd', '!', 'e']),
      match: fc.constantFrom('a', 'b', '^a', 'a$'),
    });
    const anyJob = fc.record({
      number: line,
      state: fc.constantFrom('.', 'r', 'd', '!', 'e'),
      command: fc.constantFrom('a', 'b', 'ab', 'ba', 'c'),
    });
    fc.assert(
      fc.property(choices, anyJob, ({ lines, states, match }, { number, ...rest }) => {
        const one = job(number, rest);
        const each = [{ lines }, { states }, { match }].every(selection => jobMatcher(selection)(one));
        expect(jobMatcher({ lines, states, match })(one)).toBe(each);
      }),
    );
  });
});

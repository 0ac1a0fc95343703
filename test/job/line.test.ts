import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentEnd, isBarrier, jobState, NOT_A_JOB, printLine } from '../../src/job/line.js';

function stateOf(text: string): string | undefined {
  const line = Buffer.from(text, 'latin1');
  const state = jobState(line, 0, line.length);
  return state === NOT_A_JOB ? undefined : String.fromCharCode(state);
}

describe('a line', () => {
  it.each([
    ['. a', '.'],
    ['.\ta', '.'],
    ['. ', '.'],
    ['.\t', '.'],
    ['.  ', '.'],
    ['.   a', '.'],
    ['? a', '?'],
    ['x a', 'x'],
    ['  a', ' '],
    ['\t a', '\t'],
    ['\xff a', '\xff'],
    ['- a', '-'],
  ])('is a job if it consists of a character, a space or tab, and a command, which may be empty: %j', (text, state) => {
    expect(stateOf(text)).toBe(state);
  });

  it.each(['', '.', '# ', '/\t', '  ', '\t ', '# a', '/ a', '#\ta', '// a comment', '.a b', '..a', 'echo a', '---', '\0 a'])(
    'is not a job otherwise: %j',
    text => {
      expect(stateOf(text)).toBeUndefined();
    },
  );

  it('gives the state of any printed job', () => {
    const state = fc.integer({ min: 1, max: 255 }).filter(byte => !'#/\n\r \t'.includes(String.fromCharCode(byte)));
    fc.assert(
      fc.property(state, fc.uint8Array({ maxLength: 30 }), (byte, command) => {
        const line = printLine(String.fromCharCode(byte), Buffer.from(command));
        expect(line.length).toBe(command.length + 2);
        expect(jobState(line, 0, line.length)).toBe(byte);
        expect(line.subarray(2)).toEqual(Buffer.from(command));
      }),
    );
  });

  it('is parsed in place, whatever surrounds it', () => {
    const bytes = fc.uint8Array({ maxLength: 10 }).map(array => Buffer.from(array));
    fc.assert(
      fc.property(bytes, bytes, bytes, (before, line, after) => {
        const all = Buffer.concat([before, line, after]);
        const [start, end] = [before.length, before.length + line.length];
        expect(jobState(all, start, end)).toBe(jobState(line, 0, line.length));
        expect(isBarrier(all, start, end)).toBe(isBarrier(line, 0, line.length));
        expect(contentEnd(all, start, end) - start).toBe(contentEnd(line, 0, line.length));
      }),
    );
  });
});

describe('a line end', () => {
  it.each([
    ['. a', 3],
    ['. a\r', 3],
    ['. a\r\r', 4],
    ['\r', 0],
    ['', 0],
    ['\ra', 2],
  ])('may be CRLF, whose bytes do not count: %j', (text, length) => {
    expect(contentEnd(Buffer.from(text), 0, text.length)).toBe(length);
  });

  it('takes nothing from the line before it', () => {
    expect(contentEnd(Buffer.from('. a\r\n'), 4, 4)).toBe(4);
  });
});

describe('a barrier', () => {
  it.each(['---', '----', '-'.repeat(80), '--- ', '---\t', '--- \t '])('is three or more dashes, with optional blanks: %j', text => {
    expect(isBarrier(Buffer.from(text), 0, text.length)).toBe(true);
  });

  it.each(['', '-', '--', '-- -', ' ---', '--- a', '---a', '- - -', '   ', '\t---'])('is nothing else: %j', text => {
    expect(isBarrier(Buffer.from(text), 0, text.length)).toBe(false);
  });

  it('is never a job', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.constantFrom('', ' ', '\t', '  '), (more, blanks) => {
        const line = Buffer.from(`---${'-'.repeat(more)}${blanks}`);
        expect(isBarrier(line, 0, line.length)).toBe(true);
        expect(jobState(line, 0, line.length)).toBe(NOT_A_JOB);
      }),
    );
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eachLine, lineEndFrom, linesIn } from '../../src/job/lines.js';

const texts = fc.stringMatching(/^[ab\r\n]*$/).map(text => Buffer.from(text));

it('a line ends at its line feed, the last one at the end of the bytes', () => {
  const bytes = Buffer.from('ab\n\nc');
  expect([0, 1, 3, 4].map(start => lineEndFrom(bytes, start))).toEqual([2, 2, 3, 5]);
});

it('lines come without their line ends, LF or CRLF; any other CR belongs to its line', () => {
  expect(linesIn(Buffer.from('a\r\nb\n\n\rc\r')).map(String)).toEqual(['a', 'b', '', '\rc']);
  expect(linesIn(Buffer.alloc(0))).toEqual([]);
  expect(linesIn(Buffer.from('a\n')).map(String)).toEqual(['a']);
});

it('each line begins where the previous one ends, and together they cover all bytes', () => {
  fc.assert(
    fc.property(texts, bytes => {
      let expected = 0;
      eachLine(bytes, (start, end, next) => {
        expect(start).toBe(expected);
        expect(/^\r?\n?$/.test(bytes.toString('latin1', end, next))).toBe(true);
        expect(bytes.subarray(start, end).includes('\n')).toBe(false);
        expected = next;
      });
      expect([bytes.length, bytes.length + 1]).toContain(bytes.length === 0 ? 0 : expected);
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholeCharacters } from '../../src/job/utf8.js';

describe('a place to cut text', () => {
  it('is anywhere in ASCII', () => {
    expect(wholeCharacters(Buffer.from('abc'), 2)).toBe(2);
  });

  it('is before a character that crosses the cut', () => {
    const bytes = Buffer.from('aä€😀');
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(end => wholeCharacters(bytes, end))).toEqual([1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
  });

  it('is anywhere in bytes that are not UTF-8', () => {
    expect(wholeCharacters(Buffer.alloc(10, 0x80), 7)).toBe(7);
  });

  it('never splits a character of any text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'ä', '€', '😀')), fc.nat(), (characters, at) => {
        const text = characters.join('');
        const bytes = Buffer.from(text);
        const end = wholeCharacters(bytes, at % (bytes.length + 1));
        expect(text.startsWith(bytes.subarray(0, end).toString())).toBe(true);
        expect(end).toBeGreaterThan((at % (bytes.length + 1)) - 4);
      }),
    );
  });
});

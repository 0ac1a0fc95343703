import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/wire/line-reader.js';

/** Feeds bytes in pieces that end at the given places. */
function read(bytes: Buffer, cuts: readonly number[], longest = 1000): { lines: string[]; rest: string } {
  const reader = new LineReader(longest);
  const lines: string[] = [];
  const ends = [...cuts.map(cut => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  ends.reduce((start, end) => {
    reader.feed(bytes.subarray(start, end), line => lines.push(line.toString('latin1')));
    return end;
  }, 0);
  return { lines, rest: reader.rest.toString('latin1') };
}

describe('a reader of lines', () => {
  it('finds the same lines however the bytes are split', () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\n\n', '\r\n'), { maxLength: 40 }).map(parts => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (content, cuts) => {
        const expected = content.split('\n');
        const rest = expected.pop();
        expect(read(Buffer.from(content), cuts)).toEqual({ lines: expected, rest });
      }),
    );
  });

  it.each([
    ['in one piece', []],
    ['in several', [3, 5, 9]],
  ])('rejects a line that is too long, %s, and not one just within the limit', (_, cuts) => {
    expect(read(Buffer.from('0123456789\n'), cuts, 10).lines).toEqual(['0123456789']);
    expect(() => read(Buffer.from('0123456789x\n'), cuts, 10)).toThrow(RangeError);
    expect(() => read(Buffer.from('0123456789x'), cuts, 10)).toThrow(RangeError);
  });
});

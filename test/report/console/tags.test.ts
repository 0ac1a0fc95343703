import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagLines } from '../../../src/report/console/tags.js';

const tag = (lines: string, before: string, after?: string) =>
  tagLines(Buffer.from(lines), Buffer.from(before), after === undefined ? undefined : Buffer.from(after)).toString();

describe('a tag', () => {
  it('is put before each line', () => {
    expect(tag('a\nb\n', 'out: ')).toBe('out: a\nout: b\n');
  });

  it('is put before empty lines too', () => {
    expect(tag('\n\n', 'out: ')).toBe('out: \nout: \n');
  });

  it('leaves Windows line ends, control characters and bytes that are not text unchanged', () => {
    expect(tag('a\r\n\x1b[31mb\0\x07\n', 't ')).toBe('t a\r\nt \x1b[31mb\0\x07\n');
    expect(tagLines(Buffer.from([0xff, 0x0a]), Buffer.from('t '))).toEqual(Buffer.from([0x74, 0x20, 0xff, 0x0a]));
  });

  it('can have a counterpart before each line end', () => {
    expect(tag('a\nb\r\n\n', '<', '>')).toBe('<a>\n<b>\r\n<>\n');
  });

  it('of nothing is nothing', () => {
    expect(tag('', 'out: ')).toBe('');
  });

  it('taken away again leaves the lines', () => {
    const line = fc.stringMatching(/^[ab\r]{0,30}\n$/);
    fc.assert(
      fc.property(fc.array(line), fc.stringMatching(/^[<:]{0,5}$/), fc.stringMatching(/^[>;]{0,5}$/), (lines, before, after) => {
        const expected = lines.map(text => text.replace(/^(.*?)(\r?\n)$/s, (_all, content, end) => `${before}${content}${after}${end}`));
        expect(tag(lines.join(''), before, after)).toBe(expected.join(''));
        const plain = lines.map(text => before + text);
        expect(tag(lines.join(''), before)).toBe(plain.join(''));
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineAssembler } from '../../../src/report/output/line-assembler.js';

/** The output, as strings; '' where there was none. */
function push(lines: LineAssembler, text: string | Buffer): string {
  return lines.push(Buffer.from(text))?.toString() ?? '';
}

describe('lines from bytes', () => {
  it('are emitted when their newline has arrived', () => {
    const lines = new LineAssembler();
    expect([push(lines, 'a'), push(lines, 'b\nc\nd'), push(lines, '\n')]).toEqual(['', 'ab\nc\n', 'd\n']);
  });

  it('share the pushed buffer when nothing was left over before', () => {
    const bytes = Buffer.from('a\nb\nrest');
    expect(new LineAssembler().push(bytes)?.buffer).toBe(bytes.buffer);
  });

  it('may end without a newline: the last one gets it', () => {
    const lines = new LineAssembler();
    push(lines, 'a\nlast');
    expect(lines.flush()?.toString()).toBe('last\n');
    expect(lines.flush()).toBeUndefined();
  });

  it('copy what is left over: the bytes were only lent', () => {
    const lines = new LineAssembler();
    const lent = Buffer.from('lent');
    lines.push(lent);
    lent.fill('x');
    expect(lines.flush()?.toString()).toBe('lent\n');
  });

  it('are emitted in parts when they exceed the buffer', () => {
    const lines = new LineAssembler(4);
    expect([push(lines, 'abc'), push(lines, 'def'), push(lines, 'g\nabcde'), push(lines, '\n')]).toEqual([
      '',
      'abcdef\n',
      'g\nabcde\n',
      '\n',
    ]);
  });

  it('are not cut inside a character', () => {
    const lines = new LineAssembler(4);
    const bytes = Buffer.from('abcd€');
    expect([push(lines, bytes.subarray(0, 6)), push(lines, bytes.subarray(6)), lines.flush()?.toString()]).toEqual(['abcd\n', '', '€\n']);
  });

  it('of a stream without newlines never fill the memory', () => {
    const lines = new LineAssembler();
    const chunk = Buffer.alloc(50_000, 'x');
    let longest = 0;
    let total = 0;
    for (let i = 0; i < 2000; i++) {
      const part = lines.push(chunk);
      longest = Math.max(longest, part?.length ?? 0);
      total += Math.max(0, (part?.length ?? 0) - 1);
    }
    expect(longest).toBeLessThan(120_000);
    expect(total + (lines.flush()?.length ?? 1) - 1).toBe(100_000_000);
  });

  it('add up to what was pushed, however it was split', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[ab\n]{0,9}$/)), chunks => {
        const lines = new LineAssembler();
        const out = chunks.map(chunk => push(lines, chunk));
        for (const part of out) expect(part === '' || part.endsWith('\n')).toBe(true);
        expect(out.join('') + (lines.flush()?.toString().slice(0, -1) ?? '')).toBe(chunks.join(''));
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { LastLine } from '../../../src/report/progress/last-line.js';
import { MemorySink, screen } from '../support.js';

function lastLine() {
  const sink = new MemorySink();
  return { sink, line: new LastLine(sink), shown: () => screen(sink.text) };
}

const print = (line: LastLine, text: string) => void line.give(Buffer.from(text));

describe('the last line', () => {
  it('stays below the output', () => {
    const { line, shown } = lastLine();
    line.show('1 of 2');
    print(line, 'a\nb\n');
    expect(shown()).toEqual(['a', 'b', '1 of 2']);
  });

  it('erases a longer text completely', () => {
    const { line, shown } = lastLine();
    line.show('a long text');
    line.show('short');
    print(line, 'x\n');
    expect(shown()).toEqual(['x', 'short']);
  });

  it('is part of the same write as the output above it', () => {
    const { line, sink } = lastLine();
    line.show('1 of 2');
    print(line, 'a\n');
    expect(sink.writes.map(String)).toEqual(['\r\x1b[K1 of 2', '\r\x1b[Ka\n1 of 2']);
  });

  it('can be removed', () => {
    const { line, shown, sink } = lastLine();
    line.show('1 of 2');
    line.show('');
    print(line, 'plain\n');
    expect(shown()).toEqual(['plain', '']);
    expect(String(sink.writes.at(-1))).toBe('plain\n');
  });

  it('does not appear without text', () => {
    const { line, sink } = lastLine();
    print(line, 'plain\n');
    expect(sink.text).toBe('plain\n');
  });

  it('is redrawn only when it changes', () => {
    const { line, sink } = lastLine();
    line.show('same');
    line.show('same');
    expect(sink.writes).toHaveLength(1);
  });

  it('waits for a suspended terminal, and then shows the current text', async () => {
    const sink = new MemorySink();
    let go: () => void = () => undefined;
    sink.flush = () => new Promise(resolve => (go = resolve));
    sink.waiting = 5;
    const line = new LastLine(sink);
    for (let i = 0; i < 100; i++) line.show(`${i}`);
    expect(sink.writes).toEqual([]);
    sink.waiting = 0;
    go();
    await Promise.resolve();
    expect(sink.writes.map(String)).toEqual(['\r\x1b[K99']);
  });
});

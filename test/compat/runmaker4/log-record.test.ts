import { describe, expect, it } from 'vitest';
import { logRecord } from '../../../src/compat/runmaker4/log-record.js';

describe('a record of the log file', () => {
  it('is 160 bytes, padded with blanks, and a newline', () => {
    expect(logRecord(Buffer.from(': a')).toString()).toBe(`: a${' '.repeat(157)}\n`);
  });

  it('truncates longer text', () => {
    expect(logRecord(Buffer.from('x'.repeat(1000))).toString()).toBe(`${'x'.repeat(160)}\n`);
  });

  it('has no padding where the text fits exactly', () => {
    const text = `${'x'.repeat(158)}ä`;
    expect(logRecord(Buffer.from(text)).toString()).toBe(`${text}\n`);
  });

  it('is never cut inside a character', () => {
    expect(logRecord(Buffer.from(`${'x'.repeat(158)}€`)).toString()).toBe(`${'x'.repeat(158)}  \n`);
  });

  it('contains no newline, carriage return or NUL', () => {
    expect(logRecord(Buffer.from('a\nb\r\0c')).toString().trimEnd()).toBe('a b  c');
  });
});

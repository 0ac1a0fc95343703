import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { RunmakerError } from '../../src/errors.js';
import { formatSize, parseSize } from '../../src/job/size.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

describe('parseSize', () => {
  test.each([
    ['512', 512],
    ['512B', 512],
    ['64k', 64 * KIB],
    ['200M', 200 * MIB],
    ['4G', 4 * GIB],
    ['1.5T', 1.5 * TIB],
    ['2P', 2048 * TIB],
    ['.5G', 512 * MIB],
    ['0', 0],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it('reads G, GB and GiB, in any case, as the same power of 1024', () => {
    for (const text of ['4G', '4GB', '4GiB', '4g', '4gb', '4Gib']) expect(parseSize(text)).toBe(4 * GIB);
  });

  it('rounds to whole bytes', () => {
    expect(parseSize('0.1k')).toBe(102);
    expect(parseSize('1.6')).toBe(2);
  });

  test.each(['', ' ', '-1', '-4G', '+4G', '4 G', 'G', '4X', '4Gi', '4GG', '4G5M', '1e9', '0x10', '.', 'Infinity', '4G\n'])(
    'refuses %j',
    text => {
      expect(() => parseSize(text)).toThrow(RunmakerError);
    },
  );

  it('refuses more bytes than a number can hold', () => {
    expect(() => parseSize('8P')).toThrow(RunmakerError);
    expect(() => parseSize('9'.repeat(400))).toThrow(RunmakerError);
  });

  it('quotes what it refuses, and lists the accepted forms', () => {
    expect(() => parseSize('lots')).toThrow(
      expect.objectContaining({ code: 'usage', message: '"lots" is not a size', hint: expect.stringContaining('4GiB') }),
    );
  });
});

describe('formatSize', () => {
  test.each([
    [0, '0B'],
    [512, '512B'],
    [64 * KIB, '64K'],
    [200 * MIB, '200M'],
    [1.5 * TIB, '1.5T'],
    [15.97 * GIB, '16G'],
    [2048 * TIB, '2P'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it('carries over when rounding reaches 1024 of a unit', () => {
    expect(formatSize(MIB - 1)).toBe('1M');
    expect(formatSize(TIB - 1)).toBe('1T');
  });

  it('is the inverse of parseSize, up to one decimal of its unit', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER - TIB * 512), bytes => {
        const back = parseSize(formatSize(bytes));
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(bytes * 0.05 + 1);
        expect(formatSize(back)).toBe(formatSize(bytes));
      }),
    );
  });
});

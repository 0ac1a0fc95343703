import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { RunmakerError } from '../../src/errors.js';
import { formatDuration, parseDuration } from '../../src/job/duration.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function refusal(text: string): RunmakerError {
  try {
    parseDuration(text);
  } catch (error) {
    if (error instanceof RunmakerError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('parseDuration', () => {
  it('reads a plain number as seconds', () => {
    expect(parseDuration('90')).toBe(90 * SECOND);
    expect(parseDuration('0')).toBe(0);
  });

  it('accepts fractions, with or without digits around the point', () => {
    expect(parseDuration('1.5')).toBe(1500);
    expect(parseDuration('.5')).toBe(500);
    expect(parseDuration('1.')).toBe(SECOND);
    expect(parseDuration('0.5h')).toBe(30 * MINUTE);
  });

  test.each([
    ['500ms', 500],
    ['30s', 30 * SECOND],
    ['10m', 10 * MINUTE],
    ['2h', 2 * HOUR],
    ['1d', DAY],
  ])('knows the unit of %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it('adds up terms', () => {
    expect(parseDuration('1h30m')).toBe(90 * MINUTE);
    expect(parseDuration('1d2h3m4s5ms')).toBe(DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5);
    expect(parseDuration('1m500ms')).toBe(MINUTE + 500);
  });

  it('adds up any number of terms', () => {
    expect(parseDuration('1s'.repeat(1_000_000))).toBe(1_000_000 * SECOND);
  });

  it('rounds to whole milliseconds', () => {
    expect(parseDuration('1.0004')).toBe(1000);
    expect(parseDuration('1.1')).toBe(1100);
    expect(parseDuration('0.6ms')).toBe(1);
  });

  test.each([
    '',
    ' ',
    '-1',
    '-5s',
    '+5',
    '1 h',
    '5x',
    '10M',
    'h',
    '1h30',
    '30m1',
    '1:30',
    '1e3',
    '0x10',
    '.',
    'Infinity',
    'NaN',
    '5s\n',
    '٣s',
  ])('refuses %j', text => {
    expect(() => parseDuration(text)).toThrow(RunmakerError);
  });

  it('refuses more milliseconds than a number can hold', () => {
    expect(() => parseDuration('9'.repeat(400))).toThrow(RunmakerError);
    expect(() => parseDuration('1000000000d')).toThrow(RunmakerError);
  });

  it('quotes what it refuses, and lists the accepted forms', () => {
    const error = refusal('5 parsecs');
    expect(error.code).toBe('usage');
    expect(error.message).toBe('"5 parsecs" is not a duration');
    expect(error.hint).toContain('1h30m');
  });

  it('reads a sequence as the sum of its terms', () => {
    const terms = fc.array(fc.tuple(fc.nat(1000), fc.constantFrom('ms', 's', 'm', 'h', 'd')), { minLength: 1 });
    fc.assert(
      fc.property(terms, list => {
        const each = list.map(([amount, unit]) => `${amount}${unit}`);
        expect(parseDuration(each.join(''))).toBe(each.map(parseDuration).reduce((a, b) => a + b));
      }),
    );
  });
});

describe('formatDuration', () => {
  test.each([
    [850, '850ms'],
    [12 * SECOND, '12s'],
    [3 * MINUTE, '3m'],
    [HOUR + 5 * MINUTE, '1h05m'],
    [2 * DAY + 3 * HOUR, '2d03h'],
    [400 * DAY, '400d00h'],
  ])('writes %d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('rounds to the nearest unit shown', () => {
    expect(formatDuration(12_499)).toBe('12s');
    expect(formatDuration(12_500)).toBe('13s');
    expect(formatDuration(2.4)).toBe('2ms');
  });

  it('carries over when rounding reaches a full unit', () => {
    expect(formatDuration(999.6)).toBe('1s');
    expect(formatDuration(MINUTE - 1)).toBe('1m');
    expect(formatDuration(HOUR - 1)).toBe('1h00m');
    expect(formatDuration(DAY - 1)).toBe('1d00h');
  });

  it('writes zero and negative durations as 0s', () => {
    expect(formatDuration(0)).toBe('0s');
    expect(formatDuration(0.3)).toBe('0s');
    expect(formatDuration(-5000)).toBe('0s');
  });

  it('is the inverse of parseDuration, up to rounding', () => {
    fc.assert(
      fc.property(fc.nat(1000 * DAY), milliseconds => {
        const unit = milliseconds < SECOND ? 1 : milliseconds < MINUTE ? SECOND : milliseconds < DAY ? MINUTE : HOUR;
        const back = parseDuration(formatDuration(milliseconds));
        expect(Math.abs(back - milliseconds)).toBeLessThanOrEqual(unit / 2);
        expect(formatDuration(back)).toBe(formatDuration(milliseconds));
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/job/duration.js';
import { exactDuration } from '../../../src/report/console/exact-duration.js';

describe('an exact duration', () => {
  it.each([
    [0, '0s'],
    [7_200_000, '2h'],
    [90_000, '1m30s'],
    [1500, '1s500ms'],
    [90_061_001, '1d1h1m1s1ms'],
  ])('of %d ms is %s', (ms, text) => {
    expect(exactDuration(ms)).toBe(text);
  });

  it('can be parsed back', () => {
    fc.assert(fc.property(fc.nat(), ms => parseDuration(exactDuration(ms)) === ms));
  });
});

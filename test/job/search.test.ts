import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstPlace } from '../../src/job/search.js';

it('a search finds the first match, or returns the count if there is none', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(250), (count, first) => {
      expect(firstPlace(count, place => place >= first)).toBe(Math.min(first, count));
    }),
  );
});

it('a search examines few places', () => {
  let looks = 0;
  firstPlace(1_000_000, place => ++looks > 0 && place >= 765_432);
  expect(looks).toBeLessThanOrEqual(20);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWithin, mergedRanges, type Range } from '../../src/job/line-ranges.js';

const end = fc.option(fc.nat(30), { nil: undefined });
const ranges = fc.array(fc.tuple(end, end).map(([from, to]) => ({ from, to })));

it('merged ranges name the same lines', () => {
  const names = (given: readonly Range[], line: number): boolean =>
    given.some(({ from = 1, to = Number.POSITIVE_INFINITY }) => from <= line && line <= to);
  fc.assert(
    fc.property(ranges, fc.integer({ min: 1, max: 40 }), (given, line) => {
      expect(isWithin(mergedRanges(given), line)).toBe(names(given, line));
    }),
  );
});

it('merged ranges are in order, and no two of them touch', () => {
  fc.assert(
    fc.property(ranges, given => {
      const merged = mergedRanges(given);
      for (const [at, { from }] of merged.entries()) expect(from).toBeGreaterThan((merged[at - 1]?.to ?? -1) + 1);
    }),
  );
});

it('lines given one by one become a range', () => {
  expect(mergedRanges([3, 1, 2, 7].map(line => ({ from: line, to: line })))).toEqual([
    { from: 1, to: 3 },
    { from: 7, to: 7 },
  ]);
});

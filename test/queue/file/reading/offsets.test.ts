import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Offsets } from '../../../../src/queue/file/reading/offsets.js';

/** Ascending offsets as the lines of huge files have them: mostly small steps, now and then one of gigabytes. */
const ascending = fc
  .array(fc.oneof({ weight: 8, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat({ max: 3 * 2 ** 32 }) }), { maxLength: 300 })
  .map(steps => {
    let at = 0;
    return steps.map(step => (at += step));
  });

function filled(offsets: readonly number[], expected?: number): Offsets {
  const list = new Offsets(expected);
  for (const offset of offsets) list.push(offset);
  return list;
}

describe('a list of offsets', () => {
  it('gives back what was put in, also beyond 4 GB and many times that', () => {
    fc.assert(
      fc.property(ascending, fc.nat(400), (offsets, expected) => {
        const list = filled(offsets, expected);
        expect(list.length).toBe(offsets.length);
        expect(offsets.map((_, at) => list.at(at))).toEqual(offsets);
      }),
    );
  });

  it('finds the last entry that is not greater, as a search from front to end would', () => {
    fc.assert(
      fc.property(ascending, fc.nat({ max: 4 * 2 ** 32 }), fc.nat(300), (offsets, anywhere, near) => {
        const list = filled(offsets);
        const sought = [anywhere, offsets[near] ?? 0, (offsets[near] ?? 0) - 1, (offsets[near] ?? 0) + 1];
        for (const offset of sought) expect(list.indexAtOrBefore(offset)).toBe(offsets.findLastIndex(entry => entry <= offset));
      }),
    );
  });

  it('knows where 32 bits wrap around to the byte', () => {
    const around = [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 * 2 ** 32 - 1, 2 * 2 ** 32, 7 * 2 ** 32];
    const list = filled(around);
    expect(around.map((_, at) => list.at(at))).toEqual(around);
    expect(list.indexAtOrBefore(2 ** 32)).toBe(1);
    expect(list.indexAtOrBefore(6 * 2 ** 32)).toBe(4);
  });

  it('is empty at first, and finds nothing', () => {
    const list = new Offsets();
    expect(list.length).toBe(0);
    expect(list.indexAtOrBefore(0)).toBe(-1);
  });

  it('grows beyond what was expected', () => {
    const list = filled(
      Array.from({ length: 5000 }, (_, at) => at * 3),
      0,
    );
    expect([list.length, list.at(4999), list.indexAtOrBefore(14_998)]).toEqual([5000, 14_997, 4999]);
  });
});

import { describe, expect, it } from 'vitest';
import { Revocations } from '../../../../src/server/tcp/sessions/revocations.js';

describe('claims that were taken away', () => {
  it('are told apart by client and claim', () => {
    const forfeits = new Revocations();
    forfeits.add('a', 1);
    forfeits.add('b', 2);
    expect([forfeits.has('a', 1), forfeits.has('a', 2), forfeits.has('b', 1), forfeits.has('b', 2)]).toEqual([true, false, false, true]);
  });

  it('are forgotten when they are too many, the oldest first', () => {
    const forfeits = new Revocations(2);
    for (const claim of [1, 2, 3, 4]) forfeits.add('a', claim);
    expect([1, 2, 3, 4].filter(claim => forfeits.has('a', claim))).toEqual([3, 4]);
  });
});

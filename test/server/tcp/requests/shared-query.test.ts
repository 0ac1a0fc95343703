import { describe, expect, it } from 'vitest';
import { SharedQuery } from '../../../../src/server/tcp/requests/shared-query.js';

describe('a shared look', () => {
  it('is made once for all callers that ask while another look is in progress', async () => {
    let looks = 0;
    let finish: () => void = () => undefined;
    const shared = new SharedQuery(
      () =>
        new Promise<number>(resolve => {
          const look = ++looks;
          finish = () => resolve(look);
        }),
    );
    const first = shared.get();
    await Promise.resolve();
    await new Promise(setImmediate);
    const others = [shared.get(), shared.get(), shared.get()];
    finish();
    expect(await first).toBe(1);
    await expect.poll(() => looks).toBe(2);
    finish();
    expect(await Promise.all(others)).toEqual([2, 2, 2]);
  });

  it('sees everything done before it was requested', async () => {
    let value = 0;
    const shared = new SharedQuery(async () => {
      const seen = value;
      await new Promise(setImmediate);
      return seen;
    });
    for (let round = 1; round <= 20; round++) {
      const before = shared.get();
      value = round;
      expect(await shared.get()).toBe(round);
      await before;
    }
  });

  it('that fails, fails for its callers, and not for the next', async () => {
    let looks = 0;
    const shared = new SharedQuery(async () => {
      if (++looks === 1) throw new Error('no');
      return looks;
    });
    await expect(shared.get()).rejects.toThrow('no');
    expect(await shared.get()).toBe(2);
  });
});

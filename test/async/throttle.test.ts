import { describe, expect, it } from 'vitest';
import { Throttle } from '../../src/async/throttle.js';

describe('a throttle', () => {
  it('allows the first work at once', () => {
    expect(new Throttle(10).left).toBeLessThanOrEqual(0);
  });

  it('rests for a multiple of the duration of the work', () => {
    const throttle = new Throttle(10);
    throttle.ended(performance.now() - 100);
    expect(throttle.left).toBeGreaterThan(900);
    expect(throttle.left).toBeLessThanOrEqual(1010 + 10 * 50);
  });

  it('does not rest for ten times a server outage', () => {
    const throttle = new Throttle(10, 5000);
    throttle.ended(performance.now() - 60_000);
    expect(throttle.left).toBeGreaterThan(4000);
    expect(throttle.left).toBeLessThanOrEqual(5000);
  });
});

import { describe, expect, it } from 'vitest';
import { Rest } from '../../src/system/rest.js';

describe('a rest', () => {
  it('is over before any work', () => {
    expect(new Rest(10).left).toBeLessThanOrEqual(0);
  });

  it('lasts so many times as long as the work took', () => {
    const rest = new Rest(10);
    rest.after(performance.now() - 100);
    expect(rest.left).toBeGreaterThan(900);
    expect(rest.left).toBeLessThanOrEqual(1010 + 10 * 50);
  });

  it('does not last ten times as long as a server was away', () => {
    const rest = new Rest(10, 5000);
    rest.after(performance.now() - 60_000);
    expect(rest.left).toBeGreaterThan(4000);
    expect(rest.left).toBeLessThanOrEqual(5000);
  });
});

import { describe, expect, it } from 'vitest';
import { formatRate, RateMeter } from '../../../src/report/progress/rate.js';

function pace() {
  const clock = { now: 5000 };
  return { clock, rate: new RateMeter(() => clock.now) };
}

describe('the rate', () => {
  it('covers the time since the first look', () => {
    const { clock, rate: it } = pace();
    it.note(10);
    clock.now += 4000;
    it.note(12);
    expect(it.rate).toBe(1 / 2000);
    expect(it.timeFor(3)).toBe(6000);
  });

  it('is unknown until a job is done', () => {
    const { clock, rate: it } = pace();
    expect(it.timeFor(1)).toBeUndefined();
    it.note(10);
    clock.now += 4000;
    expect(it.timeFor(1)).toBeUndefined();
  });

  it('falls while no job is done', () => {
    const { clock, rate: it } = pace();
    it.note(0);
    clock.now += 1000;
    it.note(1);
    clock.now += 1000;
    expect(it.timeFor(1)).toBe(2000);
  });

  it('starts again when jobs are reset', () => {
    const { clock, rate: it } = pace();
    it.note(0);
    clock.now += 1000;
    it.note(50);
    it.note(10);
    expect(it.rate).toBeUndefined();
    clock.now += 1000;
    it.note(11);
    expect(it.timeFor(1)).toBe(1000);
  });

  it.each([
    [12.54, '12.5/s'],
    [1, '1.0/s'],
    [0.5, '30.0/min'],
    [0.001, '3.6/h'],
  ])('of %d a second is written as %s', (perSecond, text) => {
    expect(formatRate(perSecond / 1000)).toBe(text);
  });
});

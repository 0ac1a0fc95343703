import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../../src/run/resources/slots.js';

describe('slots', () => {
  it('are numbered from 1 and limited', () => {
    const slots = new Slots(3);
    expect([slots.take(), slots.take(), slots.take(), slots.take()]).toEqual([1, 2, 3, undefined]);
  });

  it('are assigned lowest first, in whatever order they are returned', () => {
    const slots = new Slots(3);
    for (let i = 0; i < 3; i++) slots.take();
    slots.give(3);
    slots.give(1);
    expect([slots.take(), slots.take()]).toEqual([1, 3]);
  });

  it('count those in use', () => {
    const slots = new Slots(2);
    expect(slots.busy).toBe(0);
    slots.take();
    expect(slots.busy).toBe(1);
    slots.give(1);
    expect(slots.busy).toBe(0);
  });

  it('do not count a failed attempt to take one', () => {
    const slots = new Slots(0);
    expect(slots.take()).toBeUndefined();
    expect(slots.busy).toBe(0);
  });

  it('reject a number that is not in use', () => {
    const slots = new Slots(2);
    slots.take();
    slots.give(1);
    for (const slot of [0, 1, 2, 3]) expect(() => slots.give(slot)).toThrow(RangeError);
    expect(slots.busy).toBe(0);
  });

  it('always assign the lowest free number', () => {
    const size = 5;
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('take' as const), fc.nat(size - 1))), steps => {
        const slots = new Slots(size);
        const inUse: number[] = [];
        for (const step of steps) {
          if (step === 'take') {
            const expected = [1, 2, 3, 4, 5].find(slot => !inUse.includes(slot));
            expect(slots.take()).toBe(expected);
            if (expected !== undefined) inUse.push(expected);
          } else if (inUse.length > 0) {
            const [given] = inUse.splice(step % inUse.length, 1);
            slots.give(given!);
          }
          expect(slots.busy).toBe(inUse.length);
        }
      }),
    );
  });
});

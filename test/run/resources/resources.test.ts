import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Share } from '../../../src/job/needs.js';
import { Resources } from '../../../src/run/resources/resources.js';

const NOTHING = { cpus: 0, mem: 0, gpus: 0 };

describe('resources', () => {
  it('are all free at first', () => {
    const resources = new Resources({ cpus: 4, mem: 1000 }, ['0', '1']);
    expect(resources.capacity).toEqual({ cpus: 4, mem: 1000, gpus: 2 });
    expect(resources.free).toEqual(resources.capacity);
  });

  it('shrink by each share, until it is returned', () => {
    const resources = new Resources({ cpus: 4, mem: 1000 }, ['0', '1']);
    const share = resources.take({ cpus: 1.5, mem: 400, gpus: 1 });
    expect(resources.free).toEqual({ cpus: 2.5, mem: 600, gpus: 1 });
    resources.give(share!);
    expect(resources.free).toEqual(resources.capacity);
  });

  it('are granted completely or not at all', () => {
    const resources = new Resources({ cpus: 4, mem: 1000 }, ['0']);
    for (const needs of [{ cpus: 4.5 }, { mem: 1001 }, { gpus: 2 }])
      expect(resources.take({ cpus: 1, mem: 1, gpus: 1, ...needs })).toBeUndefined();
    expect(resources.free).toEqual(resources.capacity);
  });

  it('always suffice for a job that needs none', () => {
    const resources = new Resources({ cpus: 0, mem: 0 }, []);
    expect(resources.take(NOTHING)).toEqual({ needs: NOTHING, gpus: [] });
  });

  it('assign each GPU by its id, in the order listed', () => {
    const resources = new Resources({ cpus: 1, mem: 0 }, ['2', 'GPU-8f1a', '10']);
    const first = resources.take({ ...NOTHING, gpus: 1 });
    const second = resources.take({ ...NOTHING, gpus: 2 });
    expect([first?.gpus, second?.gpus]).toEqual([['2'], ['GPU-8f1a', '10']]);
    resources.give(first!);
    expect(resources.take({ ...NOTHING, gpus: 1 })?.gpus).toEqual(['2']);
  });

  it('count a GPU that is listed twice once', () => {
    expect(new Resources({ cpus: 1, mem: 0 }, ['0', '0']).capacity.gpus).toBe(1);
  });

  it('do not drift when CPUs are granted in fractions', () => {
    const resources = new Resources({ cpus: 1, mem: 0 }, []);
    const shares = Array.from({ length: 10 }, () => resources.take({ ...NOTHING, cpus: 0.1 }));
    expect(resources.free.cpus).toBe(0);
    expect(resources.take({ ...NOTHING, cpus: 0.1 })).toBeUndefined();
    for (const share of shares) resources.give(share!);
    expect(resources.free.cpus).toBe(1);
  });

  it('may be unlimited', () => {
    const resources = new Resources({ cpus: 1, mem: Number.POSITIVE_INFINITY }, []);
    resources.give(resources.take({ ...NOTHING, mem: 2 ** 50 })!);
    expect(resources.free.mem).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuse the return of a share that was already returned or never granted', () => {
    const resources = new Resources({ cpus: 1, mem: 0 }, []);
    const share = resources.take({ ...NOTHING, cpus: 1 })!;
    resources.give(share);
    expect(() => resources.give(share)).toThrow(RangeError);
    expect(() => resources.give({ needs: NOTHING, gpus: [] })).toThrow(RangeError);
    expect(resources.free).toEqual(resources.capacity);
  });

  it('never become negative, never assign a GPU twice, and are complete in the end', () => {
    const needs = fc.record({ cpus: fc.nat(30).map(tenths => tenths / 10), mem: fc.nat(100), gpus: fc.nat(3) });
    const steps = fc.array(fc.oneof(needs, fc.nat()), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 4 }), (list, gpuCount) => {
        const resources = new Resources(
          { cpus: 4, mem: 200 },
          Array.from({ length: gpuCount }, (_, id) => String(id)),
        );
        const held: Share[] = [];
        for (const step of list) {
          if (typeof step === 'number') {
            const [share] = held.length > 0 ? held.splice(step % held.length, 1) : [];
            if (share) resources.give(share);
          } else {
            const share = resources.take(step);
            if (share) held.push(share);
            if (share) expect(share.gpus).toHaveLength(step.gpus);
          }
          const lent = held.flatMap(share => share.gpus);
          expect(new Set(lent).size).toBe(lent.length);
          expect(Math.min(...Object.values(resources.free))).toBeGreaterThanOrEqual(0);
          expect(resources.free.gpus).toBe(gpuCount - lent.length);
        }
        for (const share of held) resources.give(share);
        expect(resources.free).toEqual(resources.capacity);
      }),
    );
  });
});

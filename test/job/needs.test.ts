import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits, less, more } from '../../src/job/needs.js';

const room = { cpus: 2, mem: 1000, gpus: 1 };

describe('fits', () => {
  it('is true for a job that needs nothing, even without any room', () => {
    expect(fits({ cpus: 0, mem: 0, gpus: 0 }, { cpus: 0, mem: 0, gpus: 0 })).toBe(true);
  });

  it('is true for a job that needs exactly the room there is', () => {
    expect(fits(room, room)).toBe(true);
  });

  it('is false when any one resource is too small', () => {
    expect(fits({ ...room, cpus: 2.5 }, room)).toBe(false);
    expect(fits({ ...room, mem: 1001 }, room)).toBe(false);
    expect(fits({ ...room, gpus: 2 }, room)).toBe(false);
  });

  it('compares CPUs to a thousandth, despite floating point', () => {
    expect(0.3).toBeLessThan(0.1 + 0.2);
    expect(fits({ cpus: 0.1 + 0.2, mem: 0, gpus: 0 }, { cpus: 0.3, mem: 0, gpus: 0 })).toBe(true);
  });

  it('accepts unlimited room', () => {
    const endless = { cpus: Number.POSITIVE_INFINITY, mem: Number.POSITIVE_INFINITY, gpus: 0 };
    expect(fits({ cpus: 1000, mem: 2 ** 50, gpus: 0 }, endless)).toBe(true);
  });

  it('stays true when room is added', () => {
    const anything = fc.record({ cpus: fc.nat(64), mem: fc.nat(), gpus: fc.nat(8) });
    fc.assert(
      fc.property(anything, anything, (needs, more) => {
        const larger = { cpus: needs.cpus + more.cpus, mem: needs.mem + more.mem, gpus: needs.gpus + more.gpus };
        expect(fits(needs, larger)).toBe(true);
      }),
    );
  });
});

describe('room', () => {
  it('is complete again when all shares are returned', () => {
    const amounts = fc.record({ cpus: fc.double({ min: 0, max: 64, noNaN: true }), mem: fc.nat(), licences: fc.nat(8) });
    fc.assert(
      fc.property(fc.array(amounts), given => {
        const left = given.reduce(less, room);
        expect(given.reduce(more, left)).toEqual({ ...room, ...(given.length > 0 && { licences: 0 }) });
      }),
    );
  });

  it('shrinks when a share is given, and grows when one is returned', () => {
    expect(less({ cpus: 3, mem: 10 }, { cpus: 1 })).toEqual({ cpus: 2, mem: 10 });
    expect(more({ cpus: 2 }, { cpus: 1, gpus: 1 })).toEqual({ cpus: 3, gpus: 1 });
  });

  it('is compared by every name: a resource that is absent fits no job that needs it', () => {
    expect(fits({ licences: 1 }, room)).toBe(false);
    expect(fits({ licences: 0 }, room)).toBe(true);
    expect(fits({ licences: 1 }, { licences: 1 })).toBe(true);
  });
});

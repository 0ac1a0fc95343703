import { describe, expect, it } from 'vitest';
import { DESCRIPTORS_A_JOB, jobsWithin } from '../../../src/run/resources/descriptors.js';

describe('jobs within a limit on descriptors', () => {
  it('are as many as it has room for, beside the program itself', () => {
    expect(jobsWithin(1024, DESCRIPTORS_A_JOB)).toBe(328);
    expect(jobsWithin(1024, DESCRIPTORS_A_JOB + 2)).toBe(196);
  });

  it('are one at least', () => {
    expect(jobsWithin(10, DESCRIPTORS_A_JOB)).toBe(1);
  });

  it('are any number where no limit is known', () => {
    expect(jobsWithin(undefined, DESCRIPTORS_A_JOB)).toBe(Number.POSITIVE_INFINITY);
  });
});

import { describe, expect, it } from 'vitest';
import { DESCRIPTORS_A_JOB, jobsWithin } from '../../../src/run/resources/descriptors.js';

describe('concurrent jobs under a limit on descriptors', () => {
  it('are as many as fit beside the program itself', () => {
    expect(jobsWithin(1024, DESCRIPTORS_A_JOB)).toBe(328);
    expect(jobsWithin(1024, DESCRIPTORS_A_JOB + 2)).toBe(196);
  });

  it('are at least one', () => {
    expect(jobsWithin(10, DESCRIPTORS_A_JOB)).toBe(1);
  });

  it('are unlimited where no limit is known', () => {
    expect(jobsWithin(undefined, DESCRIPTORS_A_JOB)).toBe(Number.POSITIVE_INFINITY);
  });
});

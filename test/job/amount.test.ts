import { expect, it } from 'vitest';
import { amount } from '../../src/job/amount.js';

it('uses the singular for one and the plural for more', () => {
  expect([0, 1, 2].map(count => amount(count, 'job'))).toEqual(['0 jobs', '1 job', '2 jobs']);
});

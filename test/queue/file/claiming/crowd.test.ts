import { expect, it } from 'vitest';
import { claim, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

it('a runner beside others on a local disk does not try the lines that they have taken', async () => {
  const path = runsFile('. a\n'.repeat(600));
  const [one, other] = [await openRuns(path), await openRuns(path)];
  const numbers: number[] = [];
  for (let round = 0; round < 50; round++) {
    for (let taken = 0; taken < 5; taken++) numbers.push(Number((await claim(other)).job.id));
    numbers.push(Number((await claim(one)).job.id));
  }
  expect(numbers).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
  for (const { claims } of [one, other]) expect(claims.lost).toBeLessThan(claims.won / 5);
});

it('a runner that is alone again stops looking before each claim, and begins anew when others come back', async () => {
  const path = runsFile('. a\n'.repeat(40));
  const [one, other] = [await openRuns(path), await openRuns(path)];
  for (let taken = 0; taken < 10; taken++) await claim(one);
  for (let taken = 0; taken < 10; taken++) await claim(other);
  for (let taken = 0; taken < 10; taken++) await claim(one);
  expect(one.claims).toEqual({ won: 20, lost: 1, busy: 0 });
});

import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Semaphore } from '../../src/async/semaphore.js';

it('a semaphore limits concurrency, and runs all work in the order it was requested', async () => {
  const semaphore = new Semaphore(3);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, which) =>
      semaphore.run(async () => {
        order.push(which);
        most = Math.max(most, ++inside);
        await setTimeout(which % 4);
        inside--;
        return which;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(order).toEqual(results);
});

it('work that fails releases its slot', async () => {
  const semaphore = new Semaphore(1);
  const failing = semaphore.run(() => Promise.reject(new Error('no')));
  const next = semaphore.run(async () => 'through');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('through');
});

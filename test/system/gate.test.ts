import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Gate } from '../../src/system/gate.js';

it('a gate lets so many through at a time, all in the end, and in the order in which they came', async () => {
  const gate = new Gate(3);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, which) =>
      gate.through(async () => {
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

it('who fails gives its place up as well', async () => {
  const gate = new Gate(1);
  const failing = gate.through(() => Promise.reject(new Error('no')));
  const next = gate.through(async () => 'through');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('through');
});

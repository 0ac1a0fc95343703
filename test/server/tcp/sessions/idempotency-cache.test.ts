import { describe, expect, it } from 'vitest';
import { IdempotencyCache } from '../../../../src/server/tcp/sessions/idempotency-cache.js';

/** Done at once, and answered. */
async function remember(memory: IdempotencyCache<string>, id: number, value: string): Promise<string> {
  return await memory.once(
    id,
    async () => value,
    done => done,
  );
}

describe('a request remembered until the client has confirmed its answer', () => {
  it('is not carried out twice, and is forgotten once a later mark is confirmed', async () => {
    const memory = new IdempotencyCache<string>();
    await remember(memory, 1, 'before');
    memory.mark();
    await remember(memory, 2, 'after');
    expect([memory.has(1), await remember(memory, 2, 'again')]).toEqual([true, 'after']);
    memory.confirm();
    expect([memory.has(1), memory.has(2)]).toEqual([false, true]);
    memory.mark();
    memory.confirm();
    expect(memory.has(2)).toBe(false);
  });

  it('is not forgotten through an unsolicited confirmation, or one of an earlier mark', async () => {
    const memory = new IdempotencyCache<string>();
    memory.mark();
    await remember(memory, 1, 'a');
    memory.mark();
    memory.confirm();
    memory.confirm();
    expect(memory.has(1)).toBe(true);
  });

  it('outlives the connection over which the mark was sent', async () => {
    const memory = new IdempotencyCache<string>();
    await remember(memory, 1, 'a');
    memory.mark();
    memory.unmark();
    memory.confirm();
    expect(memory.has(1)).toBe(true);
  });

  it('is remembered until it is carried out and answered', async () => {
    const memory = new IdempotencyCache<string>();
    let finish!: (value: string) => void;
    const done = new Promise<string>(resolve => {
      finish = resolve;
    });
    const answered = memory.once(
      1,
      () => done,
      value => value,
    );
    for (let marks = 0; marks < 3; marks++) {
      memory.mark();
      memory.confirm();
    }
    const again = remember(memory, 1, 'twice');
    finish('once');
    expect([await answered, await again]).toEqual(['once', 'once']);
    memory.mark();
    memory.confirm();
    expect(memory.has(1)).toBe(false);
  });

  it('is remembered longer when it is repeated: the answer may have been lost', async () => {
    const memory = new IdempotencyCache<string>();
    await remember(memory, 1, 'once');
    memory.mark();
    expect(await remember(memory, 1, 'twice')).toBe('once');
    memory.confirm();
    expect(await remember(memory, 1, 'twice')).toBe('once');
  });
});

import { describe, expect, it } from 'vitest';
import { TwoGenerations } from '../../src/server/two-generations.js';

describe('what is remembered until the other end has shown that it knows', () => {
  it('is forgotten once a mark that was made after it is confirmed', () => {
    const memory = new TwoGenerations<string>();
    memory.set(1, 'before');
    memory.mark();
    memory.set(2, 'after');
    expect([memory.get(1), memory.get(2)]).toEqual(['before', 'after']);
    memory.confirm();
    expect([memory.get(1), memory.get(2)]).toEqual([undefined, 'after']);
    memory.mark();
    memory.confirm();
    expect(memory.get(2)).toBeUndefined();
  });

  it('is not forgotten by a confirmation that nobody asked for, or of a mark before it', () => {
    const memory = new TwoGenerations<string>();
    memory.mark();
    memory.set(1, 'a');
    memory.mark();
    memory.confirm();
    memory.confirm();
    expect(memory.get(1)).toBe('a');
  });

  it('outlives the connection over which the mark was sent', () => {
    const memory = new TwoGenerations<string>();
    memory.set(1, 'a');
    memory.mark();
    memory.unmark();
    memory.confirm();
    expect(memory.get(1)).toBe('a');
  });
});

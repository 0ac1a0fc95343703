import { describe, expect, it } from 'vitest';
import { isSameToken, isWeakToken, keyOf, newToken } from '../../src/wire/token.js';

describe('a token', () => {
  it('has 128 bits, and begins with a character that an option value can begin with', () => {
    const tokens = Array.from({ length: 500 }, newToken);
    expect(new Set(tokens).size).toBe(500);
    // 26 digits of base 32 hold 130 bits: the first has 8 values.
    for (const token of tokens) expect(token).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(new Set(tokens.map(token => token[0])).size).toBe(8);
    expect(tokens.some(isWeakToken)).toBe(false);
  });

  it('equals only itself', () => {
    expect(isSameToken('ABC', 'ABC')).toBe(true);
    for (const other of ['ABD', 'AB', 'ABCD', '', 'abc']) expect(isSameToken('ABC', other)).toBe(false);
  });

  it('yields a key that does not reveal it, and differs from that of another token', () => {
    expect(keyOf('ABC')).toEqual(keyOf('ABC'));
    expect(keyOf('ABC')).toHaveLength(32);
    expect(keyOf('ABC')).not.toEqual(keyOf('ABD'));
    // Both ends must agree, whatever their versions: the derivation must never change.
    expect(keyOf('0123456789ABCDEFGHJKMNPQRS').toString('hex')).toBe('0ed6af356326edc17c0196a17b9eae9437499e9b70f354ec7247bc2856501c7a');
  });

  it('that is short can be guessed', () => {
    expect(isWeakToken('secret')).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { colourWanted, palette } from '../../../src/report/console/colour.js';

describe('colours', () => {
  it('are used on terminals', () => {
    expect(colourWanted('auto', true, {})).toBe(true);
    expect(colourWanted('auto', false, {})).toBe(false);
  });

  it('are off where NO_COLOR is set and not empty', () => {
    expect(colourWanted('auto', true, { NO_COLOR: '1' })).toBe(false);
    expect(colourWanted('auto', true, { NO_COLOR: '' })).toBe(true);
  });

  it('are off on terminals without colours', () => {
    expect(colourWanted('auto', true, { TERM: 'dumb' })).toBe(false);
  });

  it('follow an explicit option', () => {
    expect(colourWanted('always', false, { NO_COLOR: '1', TERM: 'dumb' })).toBe(true);
    expect(colourWanted('never', true, {})).toBe(false);
  });

  it('differ between neighbouring slots and repeat in a cycle', () => {
    const { tag } = palette(true);
    const codes = Array.from({ length: 9 }, (_, i) => tag(i + 1).open.toString());
    expect(new Set(codes.slice(0, 8)).size).toBe(8);
    expect(codes[8]).toBe(codes[0]);
  });

  it('that are off leave no trace', () => {
    const { status, stderr, tag } = palette(false);
    for (const { open, close } of [status, stderr, tag(1)]) expect(open.length + close.length).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { FailureBackoff } from '../../../../src/server/tcp/connections/failure-backoff.js';

describe('wrong tokens', () => {
  it('cost an address a growing wait, up to some seconds, and other addresses nothing', () => {
    const penalties = new FailureBackoff(() => 0);
    expect(penalties.waitOf('a')).toBe(0);
    const waits = Array.from({ length: 8 }, () => {
      penalties.failed('a');
      return penalties.waitOf('a');
    });
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    expect(penalties.waitOf('b')).toBe(0);
  });

  it('are counted', () => {
    const penalties = new FailureBackoff(() => 0);
    expect([penalties.failed('a'), penalties.failed('b'), penalties.failed('a')]).toEqual([1, 1, 2]);
  });

  it('are forgotten after a right one, or a minute after the last', () => {
    let now = 0;
    const penalties = new FailureBackoff(() => now);
    penalties.failed('a');
    penalties.failed('b');
    penalties.succeeded('a');
    expect(penalties.waitOf('a')).toBe(0);
    now = 60_000;
    expect(penalties.waitOf('b')).toBe(250);
    now = 60_001;
    expect(penalties.waitOf('b')).toBe(0);
    expect(penalties.failed('b')).toBe(1);
  });

  it('from a million addresses use no more memory than from ten thousand; the latest are remembered', () => {
    const penalties = new FailureBackoff(() => 0);
    for (let at = 0; at < 20_000; at++) penalties.failed(`address ${at}`);
    expect(penalties.waitOf('address 0')).toBe(0);
    expect(penalties.waitOf('address 10000')).toBe(250);
    expect(penalties.waitOf('address 19999')).toBe(250);
  });
});

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type HaltRule, parseHalt, shouldHalt } from '../../../src/run/stopping/halt.js';

describe('parseHalt', () => {
  test.each<[string, HaltRule]>([
    ['never', { kind: 'never' }],
    ['soon,fail=3', { kind: 'failures', manner: 'soon', count: 3 }],
    ['now,fail=3', { kind: 'failures', manner: 'now', count: 3 }],
    ['soon,fail=10%', { kind: 'failureShare', manner: 'soon', percent: 10 }],
    ['now,fail=2.5%', { kind: 'failureShare', manner: 'now', percent: 2.5 }],
    ['now,success=1', { kind: 'successes', manner: 'now', count: 1 }],
  ])('reads %s', (text, rule) => {
    expect(parseHalt(text)).toEqual(rule);
  });

  it('reads soon and now alone as the first failure', () => {
    expect(parseHalt('soon')).toEqual(parseHalt('soon,fail=1'));
    expect(parseHalt('now')).toEqual(parseHalt('now,fail=1'));
  });

  test.each([
    '',
    'later',
    'Now',
    'never,fail=1',
    'soon,',
    'soon,fail',
    'soon,fail=',
    'soon,fail=0',
    'soon,fail=-1',
    'soon,fail=1.5',
    'soon,fail=0%',
    'soon,fail=101%',
    'soon,success=0',
    'soon,success=5%',
    'now,done=1',
    'now, fail=1',
    'now,fail=1,success=1',
    `now,fail=${'9'.repeat(20)}`,
  ])('rejects %j, quotes it and lists the accepted forms', text => {
    const message = `${JSON.stringify(text)} does not say when to halt`;
    expect(() => parseHalt(text)).toThrow(expect.objectContaining({ code: 'usage', message, hint: expect.stringContaining('fail=10%') }));
  });
});

describe('shouldHalt', () => {
  const halts = (rule: string, succeeded: number, failed: number) => shouldHalt(parseHalt(rule), { succeeded, failed });

  it('never halts by default', () => {
    expect(halts('never', 0, 1_000_000)).toBe(false);
  });

  it('halts at the N-th failure, however many succeeded', () => {
    expect(halts('soon,fail=3', 100, 2)).toBe(false);
    expect(halts('soon,fail=3', 100, 3)).toBe(true);
    expect(halts('soon,fail=3', 0, 4)).toBe(true);
  });

  it('halts at the N-th success, however many failed', () => {
    expect(halts('now,success=2', 1, 100)).toBe(false);
    expect(halts('now,success=2', 2, 100)).toBe(true);
  });

  it('halts when failures reach P percent of the ended jobs', () => {
    expect(halts('now,fail=10%', 91, 9)).toBe(false);
    expect(halts('now,fail=10%', 90, 10)).toBe(true);
  });

  it('waits for three jobs before it applies a percentage', () => {
    expect(halts('now,fail=10%', 0, 2)).toBe(false);
    expect(halts('now,fail=10%', 0, 3)).toBe(true);
    expect(halts('now,fail=10%', 2, 1)).toBe(true);
  });

  it('halts at 100% only when every job failed', () => {
    expect(halts('now,fail=100%', 1, 99)).toBe(false);
    expect(halts('now,fail=100%', 0, 100)).toBe(true);
  });

  it('gives the same answer for soon and now', () => {
    const condition = fc.constantFrom('', ',fail=2', ',fail=30%', ',success=2');
    fc.assert(
      fc.property(condition, fc.nat(10), fc.nat(10), (text, succeeded, failed) => {
        expect(halts(`soon${text}`, succeeded, failed)).toBe(halts(`now${text}`, succeeded, failed));
      }),
    );
  });

  it('halts no later for one more failure, unless it counts successes', () => {
    fc.assert(
      fc.property(fc.constantFrom('soon', 'soon,fail=4', 'now,fail=30%'), fc.nat(10), fc.nat(10), (rule, succeeded, failed) => {
        if (halts(rule, succeeded, failed)) expect(halts(rule, succeeded, failed + 1)).toBe(true);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { parseHalt } from '../../../src/run/stopping/halt.js';
import { Results } from '../../../src/run/stopping/results.js';

describe('the results of a runner', () => {
  it('are counted by the final states of jobs', () => {
    const results = new Results({});
    for (const state of ['d', 'd', '!', 'e', '.']) expect(results.add(state)).toBeUndefined();
    results.addRefused();
    expect(results.summary).toEqual({ succeeded: 2, failed: 1, errors: 2, refused: 1, unusable: 0, blocked: 0 });
  });

  it('separate jobs that can never run from those whose own lines are invalid', () => {
    const results = new Results({});
    results.addUnusable();
    results.leave(3);
    expect(results.summary.blocked).toBe(2);
    results.leave(0);
    expect(results.summary.blocked).toBe(0);
    expect(results.summary).toMatchObject({ unusable: 1, blocked: 0 });
  });

  it.each([
    [{}, ['d', '!', 'e'], [undefined, undefined, undefined], false],
    [{ oneOnly: true }, ['!', 'd', '!'], [undefined, 'soon', 'soon'], true],
    [{ halt: parseHalt('soon,fail=2') }, ['!', 'd', 'e'], [undefined, undefined, 'soon'], true],
    [{ halt: parseHalt('now,success=1') }, ['!', 'd'], [undefined, 'now'], true],
    // The stricter of both.
    [{ halt: parseHalt('now,success=1'), oneOnly: true }, ['d'], ['now'], true],
  ])('with %j are a reason to stop', (rules, states, stops, mayStop) => {
    const results = new Results(rules);
    expect(results.mayStop).toBe(mayStop);
    expect(states.map(state => results.add(state))).toEqual(stops);
  });
});

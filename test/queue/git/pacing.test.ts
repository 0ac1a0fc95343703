import { describe, expect, it } from 'vitest';
import { Pacing } from '../../../src/queue/git/branch/pacing.js';

const TURN = 100;

/** Paces at a clock that the test sets, without chance. */
interface PacedRunner {
  readonly pacing: Pacing;
  readonly clock: { now: number };
}

function pacedRunner(): PacedRunner {
  const clock = { now: 0 };
  return {
    pacing: new Pacing(
      () => 0.5,
      () => clock.now,
    ),
    clock,
  };
}

/** Has commits land one right after the other until a pause is due. Returns how many. */
function burst({ pacing, clock }: PacedRunner): number {
  for (let count = 1; count <= 100; count++) {
    clock.now += TURN;
    pacing.landed(TURN);
    if (pacing.pause > 0) return count;
  }
  return 100;
}

describe('a runner that commits beside others', () => {
  it('pauses after some commits in a row, for longer the more others there are', () => {
    const pauses = [1, 3, 7].map(count => {
      const runner = pacedRunner();
      runner.pacing.saw(Array.from({ length: count }, (_, at) => `other${at}`));
      expect(burst(runner)).toBeLessThanOrEqual(20);
      return runner.pacing.pause;
    });
    expect(pauses[0]).toBeGreaterThanOrEqual(TURN);
    expect(pauses[2]).toBeGreaterThan(pauses[1] as number);
    expect(pauses[1]).toBeGreaterThan(pauses[0] as number);
  });

  it('pauses no longer than a few seconds, however slow the remote is', () => {
    const runner = pacedRunner();
    runner.pacing.saw(Array.from({ length: 100 }, (_, at) => `other${at}`));
    runner.pacing.landed(5000);
    expect(runner.pacing.pause).toBeGreaterThan(0);
    expect(runner.pacing.pause).toBeLessThanOrEqual(10_000);
  });

  it('does not pause when it commits seldom', () => {
    const runner = pacedRunner();
    runner.pacing.saw(['other']);
    for (let count = 0; count < 20; count++) {
      runner.clock.now += 10 * TURN;
      runner.pacing.landed(TURN);
      expect(runner.pacing.pause).toBe(0);
    }
  });

  it('does not pause alone, and not for long for others that have left', () => {
    const runner = pacedRunner();
    expect(burst(runner)).toBe(100);
    runner.pacing.saw(['other']);
    let commits = 0;
    for (let at = burst(runner); at < 100; at = burst(runner)) {
      commits += at;
      runner.clock.now += runner.pacing.pause;
    }
    expect(commits).toBeLessThan(50);
  });
});

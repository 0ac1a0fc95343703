import { describe, expect, it } from 'vitest';
import { figure } from '../../support/figure.js';
import { Random, seedFrom } from '../../support/random.js';
import { temporaryFolder } from '../../support/temporary.js';
import { chaosLines, chaosRun, type RunnerEnd } from './chaos-run.js';
import { judge } from './laws.js';

/*
 * The short form is part of the tests. The long form, `npm run chaos -- --minutes 10`, runs rounds until the time is up, each with
 * the next seed. A seed reproduces the choices (jobs, signals, pauses, options of runners), not the timing.
 */
const SEED = seedFrom('RUNMAKER_CHAOS_SEED');
const MINUTES = Number(process.env.RUNMAKER_CHAOS_MINUTES ?? 0);

const JOBS = 3000;
const RUNNERS = 6;
/** Of a round, in ms: after it, the remaining jobs run undisturbed. */
const LONGEST_ROUND = 60_000;

describe('a chaos run', () => {
  it(
    'runs no job twice at the same time, and every job to its end, whatever happens to runners',
    async () => {
      const end = performance.now() + MINUTES * 60_000;
      let seed = SEED;
      do await round(seed++);
      while (performance.now() < end);
    },
    MINUTES * 60_000 + 4 * LONGEST_ROUND,
  );
});

async function round(seed: number): Promise<void> {
  const folder = temporaryFolder();
  const lines = chaosLines(JOBS, new Random(seed).fork(1));
  const began = performance.now();
  console.log(`chaos: RUNMAKER_CHAOS_SEED=${seed} repeats this round`);
  const { disturbances, ended, last } = await chaosRun({ folder, seed, jobs: JOBS, runners: RUNNERS, longest: LONGEST_ROUND });
  const findings = judge(folder, lines);
  const done = Object.entries(disturbances).map(([disturbance, count]) => `${count} ${disturbance}`);
  figure(
    `chaos, seed ${seed}: ${JOBS} jobs, ${RUNNERS} runners at a time, ${ended.length} in all, in ${((performance.now() - began) / 1000).toFixed(0)} s`,
    `${done.join(', ')}; ${findings.attempts} attempts, ${findings.whole} of them whole, ${findings.recorded} results told`,
    `laws broken: ${findings.broken.length}`,
  );
  expect(findings.broken).toEqual([]);
  expect(ended.filter(isUnexpected)).toEqual([]);
  expect(last.status).toBe(0);
}

/** Killed, told to stop, or exited with or without failed jobs: everything else is a failure of the runner. */
function isUnexpected({ status, signal }: RunnerEnd): boolean {
  // A runner that is told to stop before it has begun, or after its work, ends like any process.
  if (signal !== null) return !['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'].includes(signal);
  return ![0, 1, 130, 143].includes(status as number);
}

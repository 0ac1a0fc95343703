import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openQueue } from '../../../src/queue/open.js';
import { attemptCommand, prepareAttempts } from '../../support/attempts.js';
import { type Background, type End, startInBackground } from '../../support/background.js';
import { eventually } from '../../support/eventually.js';
import { holdersOf } from '../../support/queues.js';
import { Random } from '../../support/random.js';

/** One chaos run. Times in ms. */
export interface ChaosOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly seed: number;
  readonly jobs: number;
  readonly runners: number;
  /** After this time runners are left undisturbed, done or not. */
  readonly longest: number;
}

/** How a runner of the run has ended. */
export interface RunnerEnd extends End {
  /** Its place in the order of starts, from 1, which names its files in `out/`. */
  readonly number: number;
  readonly args: readonly string[];
}

/** The disturbances, and how the runners ended. */
export interface ChaosReport {
  readonly disturbances: Readonly<Record<Disturbance, number>>;
  readonly ended: readonly RunnerEnd[];
  /** The runner that goes over the file at the end, undisturbed. */
  readonly last: End;
}

/** What the supervisor can do to a runner. `stop`: STOP, then CONT a while later. `hurry`: INT twice. */
export type Disturbance = 'kill' | 'stop' | 'terminate' | 'interrupt' | 'hurry' | 'drain';

const DISTURBANCES: Readonly<Record<Disturbance, number>> = { kill: 35, stop: 25, terminate: 15, interrupt: 10, hurry: 10, drain: 5 };
const SIGNALS = {
  kill: ['SIGKILL'],
  stop: ['SIGSTOP'],
  terminate: ['SIGTERM'],
  interrupt: ['SIGINT'],
  hurry: ['SIGINT', 'SIGINT'],
  drain: ['SIGHUP'],
} as const satisfies Record<Disturbance, readonly NodeJS.Signals[]>;

const PAUSE = { least: 100, most: 400 };
const STANDSTILL = { least: 50, most: 1500 };
/** Between TERM and KILL for jobs. */
const KILL_AFTER = '2s';
/** How long the undisturbed end of the run may take. */
const CALM = 60_000;

/** The jobs of a chaos run: short ones of several kinds, each with a unique line. */
export function chaosLines(jobs: number, random: Random): string[] {
  return Array.from({ length: jobs }, (_, at) => {
    const kind = random.weighed({ plain: 80, loud: 12, forked: 8 });
    const time = random.chance(0.02) ? random.between(0.5, 1.5) : random.between(0.005, 0.12);
    return `. ${attemptCommand(at + 1, time, kind)}`;
  });
}

/**
 * Lets runners work on one file while others are killed, stopped, continued, terminated, interrupted and replaced.
 * The seed alone decides which place is disturbed, how, after which pause, and how its runners are started; the job that is hit
 * depends on timing.
 */
export async function chaosRun({ folder, seed, jobs, runners, longest }: ChaosOptions): Promise<ChaosReport> {
  const random = new Random(seed);
  prepareAttempts(folder);
  mkdirSync(join(folder, 'out'));
  const runs = join(folder, 'runs.txt');
  writeFileSync(runs, `${chaosLines(jobs, random.fork(1)).join('\n')}\n`);

  const fleet = new RunnerFleet(folder);
  const places = Array.from({ length: runners }, (_, at) => new RunnerPlace(fleet, random.fork(100 + at)));
  const disturbances: Record<Disturbance, number> = { kill: 0, stop: 0, terminate: 0, interrupt: 0, hurry: 0, drain: 0 };
  const choices = random.fork(2);
  const end = performance.now() + longest;
  while (!isNearlyDone(runs) && performance.now() < end) {
    for (const place of places) place.fill();
    await setTimeout(choices.between(PAUSE.least, PAUSE.most));
    const disturbance = choices.weighed(DISTURBANCES);
    const standstill = choices.between(STANDSTILL.least, STANDSTILL.most);
    if (choices.pick(places).disturb(disturbance, standstill)) disturbances[disturbance]++;
  }
  for (const place of places) place.leaveAlone();
  await fleet.allEnd(CALM);
  await eventually('the jobs of killed runners have ended', () => nobodyIsPresent(runs), CALM);
  const last = await fleet.start(['-j6', '--reclaim', '--retry']).within(CALM);
  return { disturbances, ended: fleet.ended, last };
}

/** A runner does not wait for jobs of other runners: it would exit before they become orphans. */
async function nobodyIsPresent(runs: string): Promise<boolean> {
  const queue = await openQueue(runs);
  try {
    return (await holdersOf(queue)).every(holder => holder !== 'present');
  } finally {
    await queue.close();
  }
}

/** Whether so little is left that new runners would exit at once. */
function isNearlyDone(runs: string): boolean {
  const text = readFileSync(runs, 'latin1');
  const all = text.match(/^./gm)?.length ?? 0;
  const done = text.match(/^d/gm)?.length ?? 0;
  return done >= 0.99 * all;
}

/** All runners of a chaos run. */
class RunnerFleet {
  readonly ended: RunnerEnd[] = [];
  private readonly living = new Set<Background>();
  private count = 0;

  constructor(private readonly folder: string) {}

  start(options: readonly string[]): Background {
    const number = ++this.count;
    const args = [...options, '--json', '--kill-after', KILL_AFTER, 'runs.txt'];
    const out = join(this.folder, 'out', String(number));
    const runner = startInBackground('runmaker', args, { cwd: this.folder, stdout: `${out}.json`, stderr: `${out}.err` });
    this.living.add(runner);
    void runner.end.then(end => {
      this.ended.push({ number, args, ...end });
      this.living.delete(runner);
    });
    return runner;
  }

  /** Waits until all have exited. */
  async allEnd(within: number): Promise<void> {
    await Promise.all([...this.living].map(runner => runner.within(within)));
  }
}

/** A place that is always taken: when a runner has ended, the next one starts. */
class RunnerPlace {
  private runner: Background | undefined;
  private standsStill = false;
  private readonly undisturbed = new AbortController();

  constructor(
    private readonly fleet: RunnerFleet,
    private readonly random: Random,
  ) {}

  fill(): void {
    if (this.runner?.isAlive) return;
    const { random } = this;
    const args = [`-j${1 + random.below(4)}`];
    // The first ones find nothing to reclaim, and orphans should stay for a while.
    if (this.runner) args.push('--reclaim');
    if (random.chance(0.5)) args.push('--requeue');
    if (random.chance(0.5)) args.push('--retry');
    this.runner = this.fleet.start(args);
  }

  /** Returns whether there was a runner to disturb. */
  disturb(disturbance: Disturbance, standstill: number): boolean {
    const { runner } = this;
    if (!runner?.isAlive || (disturbance === 'stop' && this.standsStill)) return false;
    for (const signal of SIGNALS[disturbance]) runner.signal(signal);
    if (disturbance === 'stop') void this.continueAfter(standstill, runner);
    return true;
  }

  leaveAlone(): void {
    this.undisturbed.abort();
  }

  private async continueAfter(standstill: number, runner: Background): Promise<void> {
    this.standsStill = true;
    await setTimeout(standstill, undefined, { signal: this.undisturbed.signal }).catch(() => undefined);
    runner.signal('SIGCONT');
    this.standsStill = false;
  }
}

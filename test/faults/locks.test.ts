import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunmakerError } from '../../src/errors.js';
import { shellExecutor } from '../../src/execute/shell/shell-executor.js';
import { FileQueue } from '../../src/queue/file/file-queue.js';
import { recordDriver } from '../../src/queue/file/locks/record.js';
import type { Queue } from '../../src/queue/queue.js';
import type { RunEvent } from '../../src/run/events.js';
import { Runner } from '../../src/run/runner.js';
import type { RunnerOptions } from '../../src/run/runner-options.js';
import { attemptCommand, attemptsIn, overlapsIn, prepareAttempts } from '../support/attempts.js';
import { Workbench, waiting } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import { HookedDriver, systemError } from '../support/hooked-locks.js';
import { claim, holdersOf, openRuns, reclaimAtOnce } from '../support/queues.js';
import { Random, seedFrom } from '../support/random.js';

const SEED = seedFrom('RUNMAKER_LOCKS_SEED');

/** A runner whose file is unreliable. */
class Troubled {
  readonly bench: Workbench;
  readonly driver: HookedDriver;
  readonly queue: Queue;
  readonly events: RunEvent[] = [];
  /** The errors that calls fail with, and their probability, from 0 to 1. */
  weather = { code: 'EIO', chance: 0 };
  injected = 0;
  private listener: (event: RunEvent) => void = () => undefined;

  constructor(content: string, patience: number) {
    this.bench = new Workbench(content);
    const random = new Random(SEED);
    this.driver = new HookedDriver(recordDriver('local'), () => {
      if (!random.chance(this.weather.chance)) return;
      this.injected++;
      throw systemError(this.weather.code);
    });
    this.queue = new FileQueue(this.bench.runs, this.driver, { patience });
    onTestFinished(() => this.queue.close().catch(() => undefined));
  }

  runner(options: RunnerOptions = {}): Runner {
    const executor = shellExecutor({ directory: this.bench.folder });
    const runner = new Runner(this.queue, { executor, listeners: [event => this.listen(event)], ...options });
    onTestFinished(() => runner.kill());
    return runner;
  }

  private listen(event: RunEvent): void {
    this.events.push(event);
    this.listener(event);
  }

  /** Makes everything fail for the given time. */
  async storm(code: string, ms: number): Promise<void> {
    this.weather = { code, chance: 1 };
    await setTimeout(ms);
    this.weather = { code, chance: 0 };
  }

  /** Emits every event from now on. */
  hear(listener: (event: RunEvent) => void): void {
    this.listener = listener;
  }

  finished() {
    return this.events.filter(event => event.type === 'finished');
  }
}

describe.each(['EIO', 'ENOLCK', 'ESTALE', 'ETIMEDOUT'])('%s', code => {
  it.each([
    // A claim whose last step failed has no owner: an orphan that was never started.
    { reclaim: true, wanted: /^d+$/ },
    { reclaim: false, wanted: /^[dr]+$/ },
  ])(
    'at one call in twenty, whichever it is: no job runs twice, and all end well ($reclaim)',
    async ({ reclaim, wanted }) => {
      const jobs = 80;
      const troubled = new Troubled(Array.from({ length: jobs }, (_, at) => `. ${attemptCommand(at + 1, 0.02)}\n`).join(''), 20_000);
      prepareAttempts(troubled.bench.folder);
      // Where locks have never worked, the runner does not wait for them.
      troubled.hear(() => {
        troubled.weather = { code, chance: 0.05 };
      });
      const summary = await troubled.runner({ jobs: 4, reclaim }).run();
      troubled.weather = { code, chance: 0 };
      const states = troubled.bench.states;
      const done = states.replaceAll('r', '').length;
      figure(
        `${code}, RUNMAKER_LOCKS_SEED=${SEED}: ${troubled.injected} of ${troubled.driver.calls} calls failed, ${done} of ${jobs} jobs done`,
      );
      expect(overlapsIn(troubled.bench.folder)).toEqual([]);
      const again = [...attemptsIn(troubled.bench.folder)].filter(([, attempts]) => attempts.length !== 1);
      expect(again.map(([job, attempts]) => `job ${job}: ${attempts.length} runs`)).toEqual([]);
      expect(troubled.finished().flatMap(event => event.refused ?? [])).toEqual([]);
      expect(states).toMatch(wanted);
      expect(attemptsIn(troubled.bench.folder).size).toBe(done);
      expect(summary).toMatchObject({ succeeded: done, failed: 0, errors: 0, refused: 0 });
      await troubled.queue.close();
      expect(troubled.driver.openFiles).toBe(0);
    },
    60_000,
  );

  it('for four seconds, while jobs end and print: results are kept and written when the file is back, outputs continue', async () => {
    const talk = 'i=0; while [ $i -lt 45 ]; do echo $i; i=$((i + 1)); sleep 0.1; done';
    const troubled = new Troubled(`. sleep 0.5\n. ${talk}\n. sleep 0.6; exit 3\n. echo next\n`, 20_000);
    const running = troubled.runner({ jobs: 3 }).run();
    await troubled.bench.reaches('rrr.');
    // The longest gap in the output of a job that prints ten times a second.
    let silence = 0;
    let lastWord = performance.now();
    troubled.hear(event => {
      if (event.type !== 'output') return;
      silence = Math.max(silence, performance.now() - lastWord);
      lastWord = performance.now();
    });
    // Another host, without trouble, reclaims orphans: a job whose result waits to be written is none.
    const other = await openRuns(troubled.bench.runs);
    const taken: number[] = [];
    const taking = setInterval(() => void other.reclaim().then(jobs => taken.push(...jobs.map(job => Number(job.id)))), 50);
    await troubled.storm(code, 4000);
    clearInterval(taking);
    expect(taken).toEqual([]);
    expect(silence).toBeLessThan(2500);
    expect(troubled.bench.states).toBe('rrr.');
    expect(await running).toMatchObject({ succeeded: 3, failed: 1, errors: 0, refused: 0 });
    expect(troubled.bench.states).toBe('dd!d');
  });

  it('for longer than patience: the runner reports it, running jobs come to their ends, and nothing is written', async () => {
    const troubled = new Troubled(`. sleep 0.3\n. sleep 2; echo x >> finished\n. echo next >> finished\n`, 1000);
    const running = troubled.runner({ jobs: 2 }).run();
    await troubled.bench.reaches('rr.');
    const began = performance.now();
    troubled.weather = { code, chance: 1 };
    const error = await running.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RunmakerError);
    expect(error).toMatchObject({ code: 'queue', message: expect.stringContaining(code) });
    expect(performance.now() - began).toBeGreaterThan(1000);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(troubled.bench.lines('finished')).toEqual(['x']);
    expect(troubled.bench.states).toBe('rr.');
    troubled.weather = { code, chance: 0 };
    expect(await reclaimAtOnce(await openRuns(troubled.bench.runs))).toHaveLength(2);
  });

  it('while jobs run: no other runner is given their lines', async () => {
    const troubled = new Troubled(`. ${waiting()}\n`.repeat(4), 20_000);
    const other = await openRuns(troubled.bench.runs);
    const running = troubled.runner({ jobs: 4 }).run();
    await troubled.bench.has('pids', 4);
    troubled.weather = { code, chance: 0.3 };
    const taken: number[] = [];
    for (const end = performance.now() + 5000; performance.now() < end; await setTimeout(20)) {
      taken.push(...(await other.reclaim()).map(job => Number(job.id)));
    }
    troubled.weather = { code, chance: 0 };
    expect(taken).toEqual([]);
    await setTimeout(2500);
    expect(await holdersOf(other)).toEqual(Array(4).fill('present'));
    writeFileSync(troubled.bench.path('go'), '');
    expect(await running).toMatchObject({ succeeded: 4, refused: 0 });
  }, 30_000);
});

describe('descriptors that lose their locks, as when a network lease has expired', () => {
  it('are reopened: the jobs count as running again, and their results are written', async () => {
    const jobs = 10;
    const troubled = new Troubled(`. ${waiting()}\n`.repeat(jobs), 20_000);
    const other = await openRuns(troubled.bench.runs);
    const running = troubled.runner({ jobs }).run();
    await troubled.bench.has('pids', jobs);
    await troubled.driver.loseLease();
    expect(await holdersOf(other)).toEqual(Array(jobs).fill('absent'));
    const lost = performance.now();
    await eventually('all jobs count as running', async () => (await holdersOf(other)).every(holder => holder === 'present'), 10_000);
    figure(`${jobs} descriptors lost with their locks were made anew within ${((performance.now() - lost) / 1000).toFixed(1)} s`);
    expect(await reclaimAtOnce(other)).toEqual([]);
    writeFileSync(troubled.bench.path('go'), '');
    expect(await running).toMatchObject({ succeeded: jobs, refused: 0 });
    expect(troubled.bench.states).toBe('d'.repeat(jobs));
  });

  it('are reopened at the end of a job that ends at that moment', async () => {
    const troubled = new Troubled('. echo a\n', 20_000);
    const taken = await claim(troubled.queue);
    await troubled.driver.loseLease();
    expect(await taken.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(troubled.bench.states).toBe('!');
  });

  it('are not reopened where another runner now runs the line: the result is refused, nothing is written', async () => {
    const troubled = new Troubled('. echo a\n', 20_000);
    const other = await openRuns(troubled.bench.runs);
    const mine = await claim(troubled.queue);
    await troubled.driver.loseLease();
    expect(await reclaimAtOnce(other)).toHaveLength(1);
    const theirs = await claim(other);
    await setTimeout(2500);
    expect(await mine.finish({ state: '!' })).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('somebody else runs the line'),
    });
    expect(troubled.bench.states).toBe('r');
    expect(await theirs.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(troubled.bench.states).toBe('d');
  });

  it('cost a result where another runner has run the job meanwhile: both outcomes are named', async () => {
    const troubled = new Troubled(`. sleep 0.1\n. ${waiting()}\n`, 20_000);
    const other = await openRuns(troubled.bench.runs);
    // One at a time: it must not claim the job again itself.
    const running = troubled.runner({ jobs: 1 }).run();
    await troubled.bench.reaches('dr');
    await troubled.driver.loseLease();
    expect(await reclaimAtOnce(other)).toHaveLength(1);
    await (await claim(other)).finish({ state: '!' });
    writeFileSync(troubled.bench.path('go'), '');
    expect(await running).toMatchObject({ succeeded: 2, refused: 1 });
    expect(troubled.bench.states).toBe('d!');
    const [refused] = troubled.finished().filter(event => event.refused !== undefined);
    expect(refused).toMatchObject({ state: 'd', refused: expect.stringContaining('"!"') });
  });
});

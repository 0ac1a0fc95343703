import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import type { Command, Ended, SeenLine } from './lab/command.js';
import { CLIENTS, Lab, VERSIONS, type Version } from './lab/lab.js';
import { inSeconds } from './support/figures.js';
import { runmaker, runset } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

/** Of NFSv4: a client that was silent for this time, in seconds, may lose its locks. No server allows less. */
const LEASE = 10;

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start({ lease: LEASE });
});
afterAll(() => lab?.stop());

describe('alice is cut off for less than the lease', () => {
  test('it has no effect', async () => {
    const jobs = 40;
    const begun = await Promise.all(
      VERSIONS.map(async version => {
        const record = new Record(lab, `short-${version}`);
        const queue = await lab.put(version, `short-${version}.txt`, record.lines(jobs, 0.5));
        const runners = CLIENTS.map(host => lab.clients[host].start(runmaker(`-j2 ${queue}`), { within: 120 }));
        await eventually('both hosts are at work', () => CLIENTS.every(host => record.runs().some(run => run.host === host)), 60_000);
        return { record, queue, runners };
      }),
    );

    await lab.cut('alice');
    await setTimeout(2500);
    await lab.mend('alice');

    for (const { record, queue, runners } of begun) {
      for (const runner of runners) expect(await runner.ended).toMatchObject({ status: 0, stderr: '' });
      expect(record.ended()).toEqual(eachOnce(jobs));
      expect(statesIn(await lab.get(queue))).toBe('d'.repeat(jobs));
    }
  });
});

/** Jobs of the queue that is left untouched while alice is away: the first end meanwhile, the last two later; one of those prints all the time. */
const KEPT = { jobs: 8, ending: 6, endAfter: 10, lastFor: 70, talker: 8 };
/** Jobs of the queue that bob takes over. */
const TAKEN = { jobs: 4, lines: (job: number): string => (job <= 2 ? '10 1' : '40 1') };

/** Jobs of the queue whose results alice is writing when she is cut off. */
const ENDING = 10;

/** Three queues whose jobs alice is running. */
interface Busy {
  readonly version: Version;
  readonly kept: { readonly record: Record; readonly queue: string; readonly alice: Command; readonly lines: Promise<SeenLine[]> };
  readonly taken: { readonly record: Record; readonly queue: string; readonly alice: Command };
  readonly ending: { readonly record: Record; readonly queue: string; readonly alice: Command; readonly end: () => void };
}

/** The state of the queues after she was cut off for longer than the lease. */
interface Absence {
  readonly kept: { readonly record: Record; readonly states: string; readonly alice: Ended; readonly lines: readonly SeenLine[] };
  /** Bob, who reclaims orphans, arrived while she was away. */
  readonly taken: { readonly record: Record; readonly states: string; readonly alice: Ended; readonly bob: Ended };
  readonly ending: { readonly record: Record; readonly states: string; readonly alice: Ended; readonly bob: Ended };
  /** How long the event loop of her runner was blocked, each time, in ms. */
  readonly held: readonly number[];
  readonly cutAt: number;
  readonly mendedAt: number;
  /** When a look from bob's side found her present again at the jobs still running. */
  readonly presentAt: number;
}

async function busy(version: Version): Promise<Busy> {
  const keptRecord = new Record(lab, `kept-${version}`);
  const takenRecord = new Record(lab, `taken-${version}`);
  const lines = keptRecord.lines(KEPT.jobs, job => (job <= KEPT.ending ? KEPT.endAfter : KEPT.lastFor)).trimEnd();
  const talking = `( while sleep 0.5; do echo tick; done & ${lines.split('\n').at(-1)?.slice(2)}; kill $! )`;
  const keptQueue = await lab.put(version, `kept-${version}.txt`, `${lines.split('\n').slice(0, -1).join('\n')}\n. ${talking}\n`);
  const takenQueue = await lab.put(version, `taken-${version}.txt`, takenRecord.lines(TAKEN.jobs, TAKEN.lines));

  const watched = `export WATCH_LOOP=/record/held-${version} NODE_OPTIONS=--import=/guest/watch-loop.mjs;`;
  const keptBy = lab.alice.start(`${watched} ${runmaker(`-j${KEPT.jobs} ${keptQueue}`)}`, { within: 170 });
  const takenBy = lab.alice.start(runmaker(`-j${TAKEN.jobs} ${takenQueue}`), { within: 170 });
  const endingRecord = new Record(lab, `ending-${version}`);
  const waiting = endingRecord.linesThatWait(ENDING);
  const endingQueue = await lab.put(version, `ending-${version}.txt`, waiting.lines);
  const endingBy = lab.alice.start(runmaker(`-j${ENDING} ${endingQueue}`), { within: 170 });
  await eventually('all jobs that end together have begun', () => endingBy.stdout.split('forked').length > ENDING, 60_000);
  return {
    version,
    kept: { record: keptRecord, queue: keptQueue, alice: keptBy, lines: keptBy.watch() },
    taken: { record: takenRecord, queue: takenQueue, alice: takenBy },
    ending: { record: endingRecord, queue: endingQueue, alice: endingBy, end: waiting.end },
  };
}

/** Alice is cut off once, for both versions. */
async function longAbsence(): Promise<Map<Version, Absence>> {
  const all = await Promise.all(VERSIONS.map(busy));
  for (const { kept, taken } of all) {
    await Promise.all([kept.record.hasRunning('alice', KEPT.jobs, 1), taken.record.hasRunning('alice', TAKEN.jobs, 1)]);
  }
  const heldBefore = all.map(({ version }) => heldTimes(version).length);
  for (const { ending } of all) ending.end();
  await eventually('results are being written', () => all.every(({ ending }) => ending.record.ended().length === ENDING), 30_000);

  await lab.cut('alice');
  const cutAt = Date.now();
  await setTimeout(LEASE * 1000);
  const takeOver = ({ queue }: { queue: string }): Command =>
    lab.bob.start(`for try in 1 2 3; do ${runmaker(`-j4 --reclaim ${queue}`)} || exit; done`, { within: 120 });
  const bobs = all.map(({ taken }) => takeOver(taken));
  const bobsAtTheEnding = all.map(({ ending }) => takeOver(ending));
  for (const { version, taken } of all) {
    if (version !== '3') await eventually('bob has taken over', () => taken.record.runs().length === 2 * TAKEN.jobs, 60_000);
  }
  await setTimeout(Math.max(0, cutAt + 2 * LEASE * 1000 - Date.now()));
  await lab.mend('alice');
  const mendedAt = Date.now();

  const absences = all.map(async ({ version, kept, taken, ending }, at): Promise<[Version, Absence]> => {
    const presentAt = await eventually(
      'alice is present again',
      async () => ((await lab.bob.do(runset(`--list ${kept.queue} 7 8`))).match(/running/g)?.length === 2 ? Date.now() : 0),
      60_000,
    );
    const [keptBy, takenBy, byBob] = await Promise.all([kept.alice.ended, taken.alice.ended, (bobs[at] as Command).ended]);
    const endingBy = await ending.alice.ended;
    const endingByBob = await (bobsAtTheEnding[at] as Command).ended;
    const absence = {
      kept: { record: kept.record, states: statesIn(await lab.get(kept.queue)), alice: keptBy, lines: await kept.lines },
      taken: { record: taken.record, states: statesIn(await lab.get(taken.queue)), alice: takenBy, bob: byBob },
      ending: { record: ending.record, states: statesIn(await lab.get(ending.queue)), alice: endingBy, bob: endingByBob },
      held: heldTimes(version).slice(heldBefore[at]),
      cutAt,
      mendedAt,
      presentAt,
    };
    return [version, absence];
  });
  return new Map(await Promise.all(absences));
}

function heldTimes(version: string): number[] {
  const path = join(lab.recordRoot, `held-${version}`);
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : [];
}

describe('alice is cut off for longer than the lease', () => {
  let absences: Map<Version, Absence>;
  beforeAll(async () => {
    absences = await longAbsence();
  });

  describe.each(VERSIONS)('NFS %s', version => {
    let absence: Absence;
    beforeAll(() => {
      absence = absences.get(version) as Absence;
    });

    test('her jobs are recorded when she is back, whether they ended while she was away or later', () => {
      const { record, states, alice } = absence.kept;
      expect(record.ended()).toEqual(eachOnce(KEPT.jobs));
      expect(states).toBe('d'.repeat(KEPT.jobs));
      expect(alice.status).toBe(0);
      // How long she is away depends on how soon bob takes over: perhaps long enough for her to report that results have to wait.
      expect(alice.stderr).toMatch(/^(runmaker: the results of jobs that have ended cannot be written yet.*\nthey are kept.*\n)?$/);
    });

    test('she shows presence again for the jobs still running', () => {
      const { cutAt, mendedAt, presentAt } = absence;
      figure(
        `NFS ${version}: cut off for ${inSeconds(mendedAt - cutAt)} with a lease of ${LEASE} s;`,
        `seen present at her jobs ${inSeconds(Math.max(0, presentAt - mendedAt))} after she was back`,
      );
      const { record } = absence.kept;
      const firstEnd = Math.min(...record.runs().flatMap(({ job, end }) => (job > KEPT.ending ? (end ?? Number.NaN) : [])));
      expect(presentAt).toBeLessThan(firstEnd);
    });

    test('the output of her jobs continues meanwhile, although results wait to be written', () => {
      const ticks = absence.kept.lines.filter(line => line.text.endsWith(': tick')).map(line => line.at);
      const pauses = ticks.slice(1).map((at, index) => at - (ticks[index] as number));
      const longest = Math.max(...pauses);
      const held = Math.max(0, ...absence.held);
      figure(
        `NFS ${version}: the longest pause in what a job prints twice a second was ${inSeconds(longest)} while its host was cut off;`,
        `the longest time that the event loop was held: ${held === 0 ? 'under 0.5 s' : inSeconds(held)}`,
      );
      expect(ticks.length).toBeGreaterThan(KEPT.lastFor);
      // A runner that waited for the server would have waited for twice as long.
      expect(longest).toBeLessThan(LEASE * 1000);
      expect(held).toBeLessThan(LEASE * 1000);
    });

    test('results that she was just writing are either written or reported, and are hers alone if written', () => {
      const { record, states, alice, bob } = absence.ending;
      const isTold = (job: number, { stderr }: Ended): boolean => stderr.includes(`job ${job}: its state 'd' was not written`);
      const twice = eachOnce(ENDING).filter(job => record.runs().filter(run => run.job === job).length > 1);
      const reported = eachOnce(ENDING).filter(job => isTold(job, alice));
      figure(
        `NFS ${version}: ${ENDING} results were about to be written when alice was cut off:`,
        `${twice.length} of the jobs were run again by bob, ${reported.length} results were reported as not written`,
      );
      expect(states).toBe('d'.repeat(ENDING));
      // When two runners ran a job, one result is written and the other reported: hers, unless bob was still running it when she came back.
      const untold = twice.filter(job => !isTold(job, alice) && !isTold(job, bob));
      expect(untold, `alice: ${alice.stderr}\nbob: ${bob.stderr}`).toEqual([]);
      expect(alice.status).toBe(reported.length > 0 ? 1 : 0);
      if (version === '3') expect({ twice, reported }).toEqual({ twice: [], reported: [] });
    });

    if (version === '3') {
      test('she keeps her locks, so that bob reclaims nothing and nothing runs twice', () => {
        const { record, states, alice, bob } = absence.taken;
        expect(record.ended()).toEqual(eachOnce(TAKEN.jobs));
        expect(record.runs().every(({ host }) => host === 'alice')).toBe(true);
        expect(states).toBe('d'.repeat(TAKEN.jobs));
        expect([alice.status, bob.status]).toEqual([0, 0]);
        // Reported after half a minute, which the cut may well last on a busy machine.
        expect(alice.stderr.replace(/^.*cannot be written yet.*\n.*--patience.*\n/m, '')).toBe('');
      });
    } else {
      test('the jobs that bob reclaimed meanwhile run twice, and she reports each of them and exits with 1', () => {
        const { record, states, alice, bob } = absence.taken;
        expect(record.runs().map(({ job, host }) => `${job} ${host}`)).toHaveLength(2 * TAKEN.jobs);
        for (const job of eachOnce(TAKEN.jobs)) {
          const hosts = record.runs().filter(run => run.job === job);
          expect(hosts.map(run => run.host)).toEqual(['alice', 'bob']);
          expect(alice.stderr).toContain(`job ${job}: its state 'd' was not written`);
        }
        expect(states).toBe('d'.repeat(TAKEN.jobs));
        expect([alice.status, bob.status]).toEqual([1, 0]);
        expect(bob.stderr).toContain('set back to "."');
      });
    }
  });
});

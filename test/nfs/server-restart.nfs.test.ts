import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import type { Ended } from './lab/command.js';
import { CLIENTS, Lab, VERSIONS, type Version } from './lab/lab.js';
import { inSeconds } from './support/figures.js';
import { runmaker, runset } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

const JOBS = 100;
/** Jobs that outlast a restart of the server. */
const LONG = { jobs: 3, seconds: 60 };

/** The server is away for less than this, its grace included, in seconds: during that time any wait is interrupted repeatedly. */
const INTERRUPTED = 30;

/** A queue that both hosts worked on when the server lost power and was switched on again. */
interface Work {
  readonly record: Record;
  readonly states: string;
  readonly runners: readonly Ended[];
}

let lab: Lab;
const works = new Map<Version, Work>();
/** When the server was switched off, and when it was up again, by this host's clock. */
let off = 0;
let on = 0;

beforeAll(async () => {
  lab = await Lab.start();
  const begun = await Promise.all(
    VERSIONS.map(async version => {
      const record = new Record(lab, `restart-${version}`);
      const queue = await lab.put(version, `restart-${version}.txt`, record.lines(JOBS, 0.5));
      const runners = CLIENTS.map(host => lab.clients[host].start(runmaker(`-j3 ${queue}`), { within: 200 }));
      const endedBy = (host: string): number => record.runs().filter(run => run.host === host && run.end !== undefined).length;
      await eventually('both hosts have ended some jobs', () => CLIENTS.every(host => endedBy(host) >= 5), 60_000);
      return { version, record, queue, runners };
    }),
  );
  off = Date.now();
  const interrupting = CLIENTS.map(host => lab.clients[host].do(`python3 /guest/signal-threads.py ${INTERRUPTED}`));
  await lab.restartServer({ notify: true });
  on = Date.now();
  await Promise.all(interrupting);
  for (const { version, record, queue, runners } of begun) {
    const ended = await Promise.all(runners.map(runner => runner.ended));
    works.set(version, { record, states: statesIn(await lab.get(queue)), runners: ended });
  }
});
afterAll(() => lab?.stop());

describe('NFS 3, the server loses power and boots again, without notice to its clients', () => {
  test('runners show presence for their jobs again, so that no other runner takes them over', async () => {
    const record = new Record(lab, 'untold');
    const queue = await lab.put('3', 'untold.txt', record.lines(LONG.jobs, LONG.seconds));
    const alice = lab.alice.start(runmaker(`-j${LONG.jobs} ${queue}`), { within: 150 });
    await record.hasRunning('alice', LONG.jobs, 1);
    const look = async (): Promise<number> => (await lab.bob.do(runset(`--list ${queue}`), { within: 60 })).match(/running/g)?.length ?? 0;
    expect(await look()).toBe(LONG.jobs);

    await lab.restartServer({ notify: false });
    const up = Date.now();
    const bob = lab.bob.start(runmaker(`-j${LONG.jobs} --reclaim ${queue}`), { within: 150 });
    await eventually('alice is present again', async () => (await look()) === LONG.jobs, 60_000);
    figure(
      `NFS 3: presence that a restarted server had forgotten was shown again within ${inSeconds(Date.now() - up)}, its grace of 10 s included`,
    );
    expect(record.running('alice')).toHaveLength(LONG.jobs);

    expect(await alice.ended).toMatchObject({ status: 0, stderr: '' });
    expect(await bob.ended).toMatchObject({ status: 0 });
    expect(record.ended()).toEqual(eachOnce(LONG.jobs));
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(LONG.jobs));
  });
});

describe.each(VERSIONS)('NFS %s, the server loses power and boots again', version => {
  test('both hosts continue where they were, and every job runs exactly once', () => {
    const { record, states, runners } = works.get(version) as Work;
    // All at once: one of these alone would not show what has happened.
    expect({ ends: runners.map(({ status, stderr }) => ({ status, stderr })), states, ended: record.ended() }).toEqual({
      ends: CLIENTS.map(() => ({ status: 0, stderr: '' })),
      states: 'd'.repeat(JOBS),
      ended: eachOnce(JOBS),
    });
    const after = record.runs().filter(run => run.start > on);
    for (const host of CLIENTS) expect(after.some(run => run.host === host)).toBe(true);
    const next = (after[0]?.start ?? Number.NaN) - on;
    figure(`NFS ${version}: the server was away for ${inSeconds(on - off)}; the next job began ${inSeconds(next)} later`);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figure } from '../support/figure.js';
import { CLIENTS, Lab } from './lab/lab.js';
import { inSeconds } from './support/figures.js';
import { runmaker, runset } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

/** Of NFSv4: a client that was silent for so long, in seconds, has lost its locks. */
const LEASE = 10;
/** Short jobs, then one long job for each slot of both hosts, then short jobs again. What is run a second time is short. */
const JOBS = 24;
const SLOTS = 3;
const isLong = (job: number): boolean => job > 12 && job <= 12 + 2 * SLOTS;
const LONG = '25 0';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start({ lease: LEASE });
});
afterAll(() => lab?.stop());

/** A queue that alice and bob worked on until alice's power was cut in the middle of her long jobs; bob went on to the end. */
interface Wreck {
  readonly record: Record;
  readonly queue: string;
  /** The jobs that alice was at. */
  readonly lost: readonly number[];
  /** When the power was cut, by this host's clock. */
  readonly at: number;
}

/** Two queues, so that there are two ways to go on. */
async function wreck(version: string): Promise<readonly Wreck[]> {
  await lab.mountBoth(version);
  const wrecks = ['one', 'other'].map(async name => {
    const record = new Record(lab, `${name}-${version}`);
    const queue = await lab.put(
      `${name}-${version}.txt`,
      record.lines(JOBS, job => (isLong(job) ? LONG : 0.2)),
    );
    lab.alice.start(runmaker(`-j${SLOTS} ${queue}`), { within: 120 });
    return { record, queue, bob: lab.bob.start(runmaker(`-j${SLOTS} ${queue}`), { within: 120 }) };
  });
  const all = await Promise.all(wrecks);
  for (const { record } of all) for (const host of CLIENTS) await record.hasRunning(host, SLOTS, 1.5);
  const at = Date.now();
  await lab.alice.powerOff();
  const lost = all.map(({ record }) => record.running('alice').map(run => run.job));
  for (const { bob } of all) expect((await bob.ended).status).toBe(0);
  return all.map(({ record, queue }, which) => ({ record, queue, at, lost: (lost[which] as number[]).sort((a, b) => a - b) }));
}

/** The queue's states if these jobs are in this one and all others done. */
function allDoneBut(jobs: readonly number[], state: string): string {
  return eachOnce(JOBS)
    .map(job => (jobs.includes(job) ? state : 'd'))
    .join('');
}

/** Nothing that had ended was run again, and what had not was run to its end once. */
function expectAllToHaveEndedOnce({ record, lost }: Wreck): void {
  expect(record.ended()).toEqual(eachOnce(JOBS));
  const again = record.runs().filter(({ run }) => run > 1);
  again.sort((a, b) => a.job - b.job);
  expect(again.map(({ job, run, host }) => ({ job, run, host }))).toEqual(lost.map(job => ({ job, run: 2, host: 'bob' })));
}

describe('NFS 4.2, alice is switched off', () => {
  let one: Wreck;
  let other: Wreck;
  beforeAll(async () => {
    [one, other] = (await wreck('4.2')) as [Wreck, Wreck];
  });
  afterAll(async () => {
    if (!lab.alice.isOn) await lab.alice.boot();
  });

  test('her jobs stay "r", and the lines of bob are as he left them', async () => {
    for (const { queue, lost, record } of [one, other]) {
      expect(lost).toHaveLength(SLOTS);
      expect(statesIn(await lab.get(queue))).toBe(allDoneBut(lost, 'r'));
      expect(record.runs().filter(({ run }) => run > 1)).toEqual([]);
    }
  });

  test('after the lease, runset --reclaim sets her lines back, and only those, and they are run', async () => {
    const { queue, lost, at } = one;
    let reclaimed = '';
    while (reclaimed === '' && Date.now() - at < 10 * LEASE * 1000) reclaimed = await lab.bob.do(runset(`--reclaim ${queue}`));
    figure(`NFS 4.2: with a lease of ${LEASE} s, jobs could be reclaimed ${inSeconds(Date.now() - at)} after their host lost power`);
    expect(reclaimed.match(/^ *\d+(?=:)/gm)?.map(Number)).toEqual(lost);
    expect(statesIn(await lab.get(queue))).toBe(allDoneBut(lost, '.'));
    await lab.bob.do(runmaker(`-j4 ${queue}`));
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(JOBS));
    expectAllToHaveEndedOnce(one);
  });

  test('after the lease, runmaker --reclaim runs her jobs', async () => {
    const { queue, lost } = other;
    const { status, stderr } = await lab.bob.run(runmaker(`-j4 --reclaim ${queue}`));
    expect(status).toBe(0);
    expect(stderr).toContain(`lines ${lost[0]}, ${lost[1]} and ${lost[2]} set back to "."`);
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(JOBS));
    expectAllToHaveEndedOnce(other);
  });
});

describe('NFS 3, alice is switched off', () => {
  let one: Wreck;
  let other: Wreck;
  beforeAll(async () => {
    [one, other] = (await wreck('3')) as [Wreck, Wreck];
  });
  afterAll(async () => {
    if (!lab.alice.isOn) await lab.alice.boot();
  });

  test('her jobs stay "r": the server keeps her locks, so they count as running', async () => {
    await lab.bob.do(`sleep ${LEASE}`);
    for (const { queue, lost } of [one, other]) {
      expect(lost).toHaveLength(SLOTS);
      expect(await lab.bob.do(runset(`--reclaim ${queue}`))).toBe('');
      expect((await lab.bob.run(runmaker(`--reclaim ${queue}`))).status).toBe(0);
      expect(statesIn(await lab.get(queue))).toBe(allDoneBut(lost, 'r'));
    }
  });

  test('runset --set=. leaves them alone, and with --force sets them back, and they are run', async () => {
    const { queue, lost } = one;
    const refused = await lab.bob.run(runset(`--set=. ${queue} ${lost.join(' ')}`));
    expect(refused.status).toBe(1);
    expect(statesIn(await lab.get(queue))).toBe(allDoneBut(lost, 'r'));
    await lab.bob.do(runset(`--set=. --force ${queue} ${lost.join(' ')}`));
    expect(statesIn(await lab.get(queue))).toBe(allDoneBut(lost, '.'));
    await lab.bob.do(runmaker(`-j4 ${queue}`));
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(JOBS));
    expectAllToHaveEndedOnce(one);
  });

  test('once she is switched on again her locks are gone, and runmaker --reclaim runs her jobs', async () => {
    const { queue, lost } = other;
    await lab.alice.boot();
    const on = Date.now();
    let stderr = '';
    while (!stderr.includes('set back') && Date.now() - on < 60_000) ({ stderr } = await lab.bob.run(runmaker(`-j4 --reclaim ${queue}`)));
    figure(`NFS 3: jobs could be reclaimed ${inSeconds(Date.now() - on)} after their host was up again`);
    expect(stderr).toContain(`lines ${lost[0]}, ${lost[1]} and ${lost[2]} set back to "."`);
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(JOBS));
    expectAllToHaveEndedOnce(other);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figure } from '../support/figure.js';
import { CLIENTS, Lab, VERSIONS, type Version } from './lab/lab.js';
import { inSeconds } from './support/figures.js';
import { runmaker, runset } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

/** Of NFSv4: a client that was silent for this time, in seconds, has lost its locks. */
const LEASE = 10;
/** Short jobs, then one long job for each slot of both hosts, then short jobs again. Second runs are short. */
const JOBS = 24;
const SLOTS = 3;
const isLong = (job: number): boolean => job > 12 && job <= 12 + 2 * SLOTS;
const LONG = '25 0';

let lab: Lab;
let wrecks: Map<Version, readonly [Wreck, Wreck]>;
beforeAll(async () => {
  lab = await Lab.start({ lease: LEASE });
  wrecks = await wreckAll();
});
afterAll(() => lab?.stop());

/** A queue shared by alice and bob until alice's power was cut in the middle of her long jobs; bob continued to the end. */
interface Wreck {
  readonly record: Record;
  readonly queue: string;
  /** The jobs that alice was running. */
  readonly lost: readonly number[];
  /** When the power was cut, by this host's clock. */
  readonly at: number;
}

/** Two queues of each version, one for each way to continue. */
async function wreckAll(): Promise<Map<Version, readonly [Wreck, Wreck]>> {
  const all = await Promise.all(VERSIONS.flatMap(version => [begin(version, 'one'), begin(version, 'other')]));
  for (const { record } of all) for (const host of CLIENTS) await record.hasRunning(host, SLOTS, 1.5);
  const at = Date.now();
  await lab.alice.powerOff();
  const lost = all.map(({ record }) => record.running('alice').map(run => run.job));
  for (const { bob } of all) expect((await bob.ended).status).toBe(0);
  const wrecked = all.map(({ record, queue }, which) => ({ record, queue, at, lost: (lost[which] as number[]).sort((a, b) => a - b) }));
  return new Map(VERSIONS.map((version, which) => [version, [wrecked[2 * which] as Wreck, wrecked[2 * which + 1] as Wreck]]));
}

async function begin(version: Version, name: string) {
  const record = new Record(lab, `${name}-${version}`);
  const queue = await lab.put(
    version,
    `${name}-${version}.txt`,
    record.lines(JOBS, job => (isLong(job) ? LONG : 0.2)),
  );
  lab.alice.start(runmaker(`-j${SLOTS} ${queue}`), { within: 120 });
  return { record, queue, bob: lab.bob.start(runmaker(`-j${SLOTS} ${queue}`), { within: 120 }) };
}

/** The queue's states if these jobs are in this state and all others done. */
function allDoneBut(jobs: readonly number[], state: string): string {
  return eachOnce(JOBS)
    .map(job => (jobs.includes(job) ? state : 'd'))
    .join('');
}

/** No ended job ran again, and every other job ran to its end once. */
function expectAllToHaveEndedOnce({ record, lost }: Wreck): void {
  expect(record.ended()).toEqual(eachOnce(JOBS));
  const again = record.runs().filter(({ run }) => run > 1);
  again.sort((a, b) => a.job - b.job);
  expect(again.map(({ job, run, host }) => ({ job, run, host }))).toEqual(lost.map(job => ({ job, run: 2, host: 'bob' })));
}

describe('NFS 4.2, alice is switched off', () => {
  let one: Wreck;
  let other: Wreck;
  beforeAll(() => {
    [one, other] = wrecks.get('4.2') as readonly [Wreck, Wreck];
  });

  test('her jobs stay "r", and the lines of bob are as he left them', async () => {
    for (const { queue, lost, record } of [one, other]) {
      expect(lost).toHaveLength(SLOTS);
      expect(statesIn(await lab.get(queue))).toBe(allDoneBut(lost, 'r'));
      expect(record.runs().filter(({ run }) => run > 1)).toEqual([]);
    }
  });

  test('after the lease, runset --reclaim resets her lines, and only those, and they run', async () => {
    const { queue, lost, at } = one;
    let reclaimed = '';
    while (reclaimed === '' && Date.now() - at < 10 * LEASE * 1000) reclaimed = await lab.bob.do(runset(`--reclaim ${queue}`));
    figure(
      `NFS 4.2: with a lease of ${LEASE} s, jobs could be reclaimed no later than ${inSeconds(Date.now() - at)} after their host lost power`,
    );
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
  beforeAll(() => {
    [one, other] = wrecks.get('3') as readonly [Wreck, Wreck];
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

  test('runset --set=. skips them, and with --force resets them, and they run', async () => {
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

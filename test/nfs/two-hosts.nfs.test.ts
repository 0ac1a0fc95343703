import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figure } from '../support/figure.js';
import { allCalls, countCalls } from './lab/calls.js';
import { CLIENTS, Lab, VERSIONS } from './lab/lab.js';
import { callsPerJob, claimsIn, inSeconds, middle } from './support/figures.js';
import { runmaker, runwait } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start();
});
afterAll(() => lab?.stop());

describe.each(VERSIONS)('NFS %s, two hosts on one queue', version => {
  test('share its jobs, run each exactly once, and tag the output of the jobs', async () => {
    const jobs = 500;
    const record = new Record(lab, `share-${version}`);
    const queue = await lab.put(version, `share-${version}.txt`, record.lines(jobs));

    const stops = await Promise.all(CLIENTS.map(host => countCalls(lab.clients[host])));
    const began = Date.now();
    const ended = await Promise.all(CLIENTS.map(host => lab.clients[host].run(runmaker(`-j4 ${queue}`), { within: 180 })));
    const took = Date.now() - began;
    const calls = allCalls(await Promise.all(stops.map(stop => stop())));

    expect(record.ended()).toEqual(eachOnce(jobs));
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(jobs));
    for (const { status, stderr } of ended) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const shares = CLIENTS.map(host => record.runs().filter(run => run.host === host).length);
    for (const [at, host] of CLIENTS.entries()) {
      const share = shares[at] as number;
      expect(share).toBeGreaterThan(jobs / 10);
      expect(ended[at]?.stdout.match(new RegExp(`^stdout \\(${host},\\d+\\): job \\d+ run 1$`, 'gm'))).toHaveLength(share);
    }
    figure(
      `NFS ${version}: ${jobs} jobs on two hosts, -j4 each, in ${inSeconds(took)}: alice ran ${shares[0]}, bob ${shares[1]};`,
      callsPerJob(calls, jobs),
    );
  });

  test('lose few claims to each other', async () => {
    const jobs = 150;
    const record = new Record(lab, `cost-${version}`);
    const queue = await lab.put(version, `cost-${version}.txt`, record.lines(jobs));
    const stops = await Promise.all(CLIENTS.map(host => countCalls(lab.clients[host])));

    const ended = await Promise.all(CLIENTS.map(host => lab.clients[host].run(runmaker(`-j4 --json ${queue}`), { within: 180 })));

    const calls = allCalls(await Promise.all(stops.map(stop => stop())));
    expect(record.ended()).toEqual(eachOnce(jobs));
    const claims = claimsIn(ended.map(({ stdout }) => stdout));
    expect(claims.won).toBe(jobs);
    // Hosts that follow each other along the file lose as many claims as they win.
    expect(claims.lost + claims.busy).toBeLessThan(jobs / 2);
    const tries = claims.won + claims.lost + claims.busy;
    const share = (part: number): string => `${part} (${Math.round((100 * part) / tries)} %)`;
    figure(
      `NFS ${version}: two hosts, -j4 each, tried ${tries} times to claim ${jobs} jobs:`,
      `${share(claims.lost)} were lost to old news of a line's state, ${share(claims.busy)} met the other host's lock`,
      `${calls.opened} files were opened to be changed, ${calls.refused} locks refused`,
    );
  });

  test("a runwait on a host that works on the queue itself shows the other host's progress within 2 s", async () => {
    const jobs = 41;
    const record = new Record(lab, `follow-${version}`);
    // Alice's one job lasts: meanwhile she has the file open for writing, and without locks would read stale data for minutes.
    const queue = await lab.put(
      version,
      `follow-${version}.txt`,
      record.lines(jobs, number => (number === 1 ? 25 : 0.4)),
    );
    const alice = lab.alice.start(runmaker(`-j1 ${queue}`), { within: 120 });
    await record.hasRunning('alice', 1);
    const waiting = lab.alice.start(runwait(`--progress ${queue}`), { within: 120 });
    const lines = waiting.watch();
    await waiting.says('progress:');

    const bob = await lab.bob.run(runmaker(`-j2 ${queue}`), { within: 100 });

    expect([bob.status, (await alice.ended).status, (await waiting.ended).status]).toEqual([0, 0, 0]);
    const shown = (await lines).map(line => ({ at: line.at, count: Number(/^progress: +(\d+) of/.exec(line.text)?.[1]) }));
    const ends = record.runs().map(run => run.end as number);
    ends.sort((a, b) => a - b);
    const lags = ends.map((end, at) => (shown.find(({ count }) => count > at)?.at ?? Number.POSITIVE_INFINITY) - end);
    const worst = Math.max(...lags);
    figure(
      `NFS ${version}: runwait showed that a job has ended after ${inSeconds(middle(lags))} (median), ${inSeconds(worst)} (worst of ${jobs})`,
    );
    // A busy host may be late once; a host that reads its own cache is late by a minute.
    expect(lags.filter(lag => lag > 2000).length).toBeLessThan(jobs / 10);
    expect(worst).toBeLessThan(15_000);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import { CLIENTS, Lab } from './lab/lab.js';
import { inSeconds } from './support/figures.js';
import { runmaker } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

const JOBS = 120;

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start({ lease: 10, grace: 10 });
});
afterAll(() => lab?.stop());

describe.each(['3', '4.2'])('NFS %s, the server loses power and boots again', version => {
  test('both hosts go on where they were, and every job is run exactly once', async () => {
    await lab.mountBoth(version);
    const record = new Record(lab, `restart-${version}`);
    const queue = await lab.put(`restart-${version}.txt`, record.lines(JOBS, 0.5));
    const runners = CLIENTS.map(host => lab.clients[host].start(runmaker(`-j4 ${queue}`), { within: 200 }));
    const endedBy = (host: string): number => record.runs().filter(run => run.host === host && run.end !== undefined).length;
    await eventually('both hosts have ended some jobs', () => CLIENTS.every(host => endedBy(host) >= 8), 60_000);

    await lab.server.powerOff();
    const off = Date.now();
    await lab.server.boot();
    const on = Date.now();

    for (const runner of runners) expect(await runner.ended).toMatchObject({ status: 0, stderr: '' });
    expect(record.ended()).toEqual(eachOnce(JOBS));
    expect(statesIn(await lab.get(queue))).toBe('d'.repeat(JOBS));
    const next = record.runs().find(run => run.start > on)?.start ?? Number.NaN;
    figure(`NFS ${version}: the server was away for ${inSeconds(on - off)}; the next job began ${inSeconds(next - on)} later`);
    for (const host of CLIENTS) expect(record.runs().some(run => run.host === host && run.start > on)).toBe(true);
  });
});

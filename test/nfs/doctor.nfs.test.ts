import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLIENTS, Lab, VERSIONS } from './lab/lab.js';
import { runmaker, runset } from './support/programs.js';
import { eachOnce, Record, statesIn } from './support/record.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start();
});
afterAll(() => lab?.stop());

const QUEUE = '. true\n';

/** Both hosts run the doctor at the same time. */
function consult(queue: string) {
  return Promise.all(CLIENTS.map(host => lab.clients[host].run(runset(`--doctor --peer ${queue}`), { within: 150 })));
}

describe.each(VERSIONS)('NFS %s, runset --doctor --peer', version => {
  test('passes on two hosts that exclude each other, and leaves the queue unchanged', async () => {
    const queue = await lab.put(version, `doctor-${version}.txt`, QUEUE);

    const [alice, bob] = await consult(queue);

    expect(alice).toMatchObject({ status: 0, stderr: '' });
    expect(bob).toMatchObject({ status: 0, stderr: '' });
    expect(alice?.stdout).toContain('met bob');
    expect(bob?.stdout).toContain('met alice');
    expect(await lab.get(queue)).toBe(QUEUE);
  });
});

describe('NFS 3 mounted with nolock', () => {
  let queue: string;
  beforeAll(async () => {
    await lab.mount('nolock', '3', 'nolock');
    queue = await lab.put('nolock', 'nolock.txt', QUEUE);
  });

  test('runset --doctor reports that, and that it is not safe', async () => {
    const { status, stdout } = await lab.alice.run(runset(`--doctor ${queue}`));
    expect(status).not.toBe(0);
    expect(stdout).toContain('nolock');
  });

  test('runset --doctor --peer fails on both hosts', async () => {
    for (const { status, stdout } of await consult(queue)) {
      expect(status).not.toBe(0);
      expect(stdout).toContain('nolock');
    }
  });

  test('runmaker refuses to start, and starts with --unsafe-locks', async () => {
    const record = new Record(lab, 'nolock');
    const path = await lab.put('nolock', 'unsafe.txt', record.lines(2));
    const refused = await lab.alice.run(runmaker(path));
    expect(refused.status).toBe(3);
    for (const said of ['nolock', '--locks directory', '--unsafe-locks']) expect(refused.stderr).toContain(said);
    expect(record.runs()).toEqual([]);
    await lab.alice.do(runmaker(`--unsafe-locks ${path}`));
    expect(statesIn(await lab.get(path))).toBe('dd');
  });

  test('with --locks directory two hosts share the jobs and run each exactly once', async () => {
    const jobs = 30;
    const record = new Record(lab, 'directory');
    const path = await lab.put('nolock', 'directory.txt', record.lines(jobs, 0.2));
    const ended = await Promise.all(CLIENTS.map(host => lab.clients[host].run(runmaker(`-j2 --locks directory ${path}`), { within: 150 })));
    for (const runner of ended) expect(runner).toMatchObject({ status: 0, stderr: '' });
    expect(record.ended()).toEqual(eachOnce(jobs));
    expect(statesIn(await lab.get(path))).toBe('d'.repeat(jobs));
  });
});

import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openResultsFolder } from '../../../src/report/results/results-folder.js';
import { attemptAt, job, tell, temporaryFolder, warnings } from '../support.js';

const unexpected = (message: string): void => expect.unreachable(message);

async function resultsFolder(warn = unexpected) {
  const path = join(temporaryFolder(), 'results');
  return { path, results: await openResultsFolder(path, warn) };
}

const read = (path: string, number: number, file: string) => fs.readFileSync(join(path, String(number), file));
const status = (path: string, number: number) => JSON.parse(read(path, number, 'status.json').toString());

describe('the results folder', () => {
  it('holds the complete outputs of a job, byte for byte', async () => {
    const { path, results } = await resultsFolder();
    const run = attemptAt(job('cmd', { number: 7 }));
    tell(results.listener, run.started);
    tell(results.listener, run.stdout(Buffer.from([0xff, 0x00])));
    tell(results.listener, run.stderr('no newline'));
    tell(results.listener, run.stdout('\r\n'));
    await results.listener(run.ended());
    expect(read(path, 7, 'stdout')).toEqual(Buffer.from([0xff, 0x00, 0x0d, 0x0a]));
    expect(read(path, 7, 'stderr').toString()).toBe('no newline');
    expect(fs.readdirSync(join(path, '7')).sort()).toEqual(['status.json', 'stderr', 'stdout']);
  });

  it('follows no link in place of its files', async () => {
    const { said, warn } = warnings();
    const { path, results } = await resultsFolder(warn);
    const victim = join(temporaryFolder(), 'victim');
    fs.mkdirSync(victim);
    fs.writeFileSync(join(victim, 'stdout'), 'mine');
    fs.mkdirSync(join(path, '1'));
    for (const name of ['stdout', 'status.json.new']) fs.symlinkSync(join(victim, 'stdout'), join(path, '1', name));
    fs.symlinkSync(victim, join(path, '2'));
    for (const number of [1, 2]) {
      const run = attemptAt(job('cmd', { number }));
      tell(results.listener, run.started);
      tell(results.listener, run.stdout('overwritten'));
      await results.listener(run.ended());
    }
    await results.close();
    expect(fs.readdirSync(victim)).toEqual(['stdout']);
    expect(fs.readFileSync(join(victim, 'stdout'), 'utf8')).toBe('mine');
    expect(said.length).toBeGreaterThan(0);
  });

  it('records how the job ended', async () => {
    const { path, results } = await resultsFolder();
    await results.listener(attemptAt('cmd').ended({ kind: 'exited', code: 3 }));
    expect(status(path, 1)).toEqual({
      command: 'cmd',
      host: 'alice',
      pid: 601,
      handle: '601',
      attempt: 1,
      start: '2026-11-21T12:00:00.250Z',
      end: '2026-11-21T12:00:01.750Z',
      outcome: 'exited',
      exit: 3,
      signal: null,
    });
  });

  it.each([
    [
      { kind: 'signalled', signal: 9 },
      { outcome: 'signalled', exit: null, signal: 9 },
    ],
    [
      { kind: 'timedOut', after: 1, exit: { kind: 'signalled', signal: 15 } },
      { outcome: 'timedOut', exit: null, signal: 15 },
    ],
    [
      { kind: 'interrupted', exit: { kind: 'exited', code: 0 } },
      { outcome: 'interrupted', exit: 0, signal: null },
    ],
  ] as const)('knows %o', async (outcome, expected) => {
    const { path, results } = await resultsFolder();
    await results.listener(attemptAt('cmd').ended(outcome));
    expect(status(path, 1)).toMatchObject(expected);
  });

  it('shows the output so far while the job runs', async () => {
    const { path, results } = await resultsFolder();
    const run = attemptAt('cmd');
    tell(results.listener, run.started);
    tell(results.listener, run.stdout('early\n'));
    await expect.poll(() => fs.existsSync(join(path, '1', 'status.json')), { timeout: 5000 }).toBe(true);
    await expect
      .poll(() => fs.existsSync(join(path, '1', 'stdout')) && read(path, 1, 'stdout').toString(), { timeout: 5000 })
      .toBe('early\n');
    expect(status(path, 1)).toMatchObject({ pid: 601, outcome: 'running', exit: null, signal: null });
    expect(status(path, 1)).not.toHaveProperty('end');
    await results.close();
  });

  it('starts again with each attempt', async () => {
    const { path, results } = await resultsFolder();
    const first = attemptAt('cmd');
    const second = attemptAt('cmd', { attempt: 2, pid: 602 });
    tell(results.listener, first.started);
    tell(results.listener, first.stdout('a long first attempt\n'));
    // Not awaited: attempts follow each other faster than files are closed.
    void results.listener(first.ended({ kind: 'exited', code: 1 }, { again: true }));
    tell(results.listener, second.started);
    tell(results.listener, second.stdout('second\n'));
    await results.listener(second.ended());
    await results.close();
    expect(read(path, 1, 'stdout').toString()).toBe('second\n');
    expect(status(path, 1)).toMatchObject({ attempt: 2, pid: 602, exit: 0 });
  });

  it('keeps many jobs apart', async () => {
    const { path, results } = await resultsFolder();
    const runs = Array.from({ length: 50 }, (_, i) => attemptAt(job('cmd', { number: i + 1 }), { slot: i + 1 }));
    for (const run of runs) tell(results.listener, run.started);
    for (const [i, run] of runs.entries()) tell(results.listener, run.stdout(`${i + 1}\n`));
    await Promise.all(runs.map(run => results.listener(run.ended())));
    for (let number = 1; number <= 50; number++) expect(read(path, number, 'stdout').toString()).toBe(`${number}\n`);
  });

  it('that cannot store an output lets the job continue, with one message', async () => {
    const { said, warn } = warnings();
    const { path, results } = await resultsFolder(warn);
    fs.mkdirSync(join(path, '1'));
    fs.mkdirSync(join(path, '1', 'stdout'));
    fs.mkdirSync(join(path, '1', 'stderr'));
    const run = attemptAt('cmd');
    tell(results.listener, run.started);
    tell(results.listener, run.stdout('lost\n'));
    tell(results.listener, run.stderr('lost\n'));
    await results.listener(run.ended());
    expect(said).toEqual([expect.stringMatching(/1\/std(out|err): .*\(EISDIR\)$/)]);
    expect(status(path, 1)).toMatchObject({ exit: 0 });
  });

  it('that disappears lets the jobs continue, with one message', async () => {
    const { said, warn } = warnings();
    const { path, results } = await resultsFolder(warn);
    fs.rmdirSync(path);
    fs.writeFileSync(path, 'in the way');
    for (const number of [1, 2]) {
      const run = attemptAt(job('cmd', { number }));
      tell(results.listener, run.started);
      await results.listener(run.stdout(Buffer.alloc(2_000_000)));
      await results.listener(run.ended());
    }
    await results.close();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/not a directory/);
  });

  it('that cannot be created is an error before anything starts', async () => {
    const path = join(temporaryFolder(), 'file');
    fs.writeFileSync(path, '');
    await expect(openResultsFolder(join(path, 'results'), unexpected)).rejects.toMatchObject({ name: 'RunmakerError', code: 'input' });
  });
});

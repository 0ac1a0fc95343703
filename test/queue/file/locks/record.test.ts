import { closeSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeQueue } from '../../../conformance/queue-conformance.js';
import { Workbench } from '../../../support/bench.js';
import { isOpenAfter } from '../../../support/eventually.js';
import { fileQueues } from '../../../support/file-queue.js';
import { lockElsewhere } from '../../../support/other-locks.js';
import { start, startProgram } from '../../../support/programs.js';
import { claim, holdersOf, jobsOf, openRuns, reclaimAtOnce } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

describeQueue('a runs file, locked by record', { presence: true, presenceReturns: 2500 }, fileQueues('record'));

describe('presence in a runs file', () => {
  it('is inherited by the process of the job: with the runner gone, it lasts as long as that', async () => {
    const bench = new Workbench('. echo $$ >> pids; exec sleep 20\n');
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    const [job] = await bench.has('pids');
    runner.signal('SIGKILL');
    await runner.ended;

    const other = await openRuns(bench.runs);
    expect(await holdersOf(other)).toEqual(['present']);
    expect(await reclaimAtOnce(other)).toEqual([]);
    expect(await other.set({}, '.')).toMatchObject({ changed: 0, running: [{ number: 1 }] });

    process.kill(Number(job), 'SIGKILL');
    await bench.areGone('pids');
    expect(await holdersOf(other)).toEqual(['absent']);
    expect((await reclaimAtOnce(other)).map(reclaimed => reclaimed.number)).toEqual([1]);
    expect(bench.states).toBe('.');
  });

  it('ends with the claim, even if a stray process of the job lives on with the descriptor', async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path));
    const stray = start('sleep', ['20'], { inherit: [taken.presence as number] });
    await taken.finish({ state: 'd' });
    const other = await openRuns(path);
    await other.set({}, '.');
    await claim(other);
    expect(stray.child.exitCode).toBeNull();
    expect(await holdersOf(other)).toEqual(['present']);
  });

  it('outlives the closing of other descriptors of the file in the same process', async () => {
    const path = runsFile('. a\n');
    await claim(await openRuns(path));
    readFileSync(path);
    closeSync(openSync(path, 'r+'));
    expect(await holdersOf(await openRuns(path))).toEqual(['present']);
  });

  it('does not keep older runners from reading: they lock the whole file, shared', async () => {
    const path = runsFile('. a\n. b\n');
    const taken = await claim(await openRuns(path));
    const reader = await lockElsewhere(path, 'shared');
    await reader.release();
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });
});

describe('locks of other programs on a runs file', () => {
  it('shared ones on the whole file, as older runners read, delay a claim and do not break it', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path);
    const reader = await lockElsewhere(path, 'shared');
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    expect(readFileSync(path, 'utf8')).toBe('. a\n');
    await reader.release();
    expect((await claim(queue)).job.number).toBe(1);
  });

  it('on the whole file delay the end of a claim and do not break it', async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path));
    const reader = await lockElsewhere(path, 'shared');
    const finished = taken.finish({ state: 'd' });
    expect(await isOpenAfter(finished, 200)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('r a\n');
    await reader.release();
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });

  it('on one line let the others be claimed', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const queue = await openRuns(path);
    const claimer = await lockElsewhere(path, 'exclusive', { start: 4, length: 1 });
    expect((await claim(queue)).job.number).toBe(1);
    expect((await claim(queue)).job.number).toBe(3);
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    await claimer.release();
    expect((await claim(queue)).job.number).toBe(2);
  });

  it('on one line delay the setting of a state, in a file of many lines, and do not break it', async () => {
    const path = runsFile('d a\n'.repeat(100));
    const claimer = await lockElsewhere(path, 'exclusive', { start: 4 * 50, length: 1 });
    const set = (await openRuns(path)).set({}, '.');
    expect(await isOpenAfter(set, 200)).toBe(true);
    await claimer.release();
    expect(await set).toEqual({ matched: 100, changed: 100, running: [] });
    expect(readFileSync(path, 'utf8')).toBe('. a\n'.repeat(100));
  });

  it('do not hold up a look at the jobs', async () => {
    const path = runsFile('. a\nd b\n');
    const queue = await openRuns(path);
    const writer = await lockElsewhere(path, 'exclusive');
    expect(await queue.counts()).toMatchObject({ new: 1, done: 1 });
    expect((await jobsOf(queue)).map(job => job.state)).toEqual(['.', 'd']);
    await writer.release();
  });

  it('on the jobs do not hold up appending', async () => {
    const path = runsFile('. a\n');
    const worker = await lockElsewhere(path, 'exclusive', { start: 0, length: 4 });
    await (await openRuns(path)).append([Buffer.from('b')]);
    expect(readFileSync(path, 'utf8')).toBe('. a\n. b\n');
    await worker.release();
  });

  it('keep a line from being reclaimed for as long as they are held', async () => {
    const path = runsFile('r a\n');
    const queue = await openRuns(path);
    const worker = await lockElsewhere(path, 'exclusive', { start: 0, length: 1 });
    expect(await reclaimAtOnce(queue)).toEqual([]);
    await worker.release();
    expect(await reclaimAtOnce(queue)).toMatchObject([{ number: 1 }]);
  });
});

describe('a runs file with unusual lines', () => {
  it('keeps its tabs and line ends: only state bytes are written', { tags: ['slow'] }, async () => {
    const path = runsFile('.\ta\r\n. b\r\n.\tc');
    const queue = await openRuns(path);
    for (const command of ['a', 'b', 'c']) {
      const taken = await claim(queue);
      expect(taken.job.command.toString()).toBe(command);
      await taken.finish({ state: 'd' });
    }
    expect(readFileSync(path, 'utf8')).toBe('d\ta\r\nd b\r\nd\tc');
  });

  it('passes on bytes that are no text', async () => {
    const path = runsFile(Buffer.from('. \xff\xfe\x00\x80\n\x00 nul is no state\n', 'latin1'));
    const queue = await openRuns(path);
    expect((await claim(queue)).job.command).toEqual(Buffer.from('\xff\xfe\x00\x80', 'latin1'));
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
  });

  it('leaves a line alone that is longer than any that could be run, and runs the rest', async () => {
    const path = runsFile(`. a\n. ${'x'.repeat(17 * 1024 * 1024)}\n. b\n`);
    const queue = await openRuns(path);
    const told: unknown[] = [];
    const request = { tell: (notice: unknown) => told.push(notice) };
    expect((await claim(queue, request)).job.number).toBe(1);
    expect((await claim(queue, request)).job.number).toBe(3);
    expect(told).toMatchObject([{ kind: 'unusable', line: 2, message: expect.stringContaining('bytes long') }]);
  });
});

describe('a runs file that is gone or cannot be used', () => {
  it('is an error of its own kind, with what to do, at the next claim', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path);
    await queue.counts();

    unlinkSync(path);
    await expect(queue.claim({})).rejects.toMatchObject({ name: 'RunmakerError', code: 'input', message: `${path}: no such file` });
  });

  it('comes back under the same name as another file, and is read anew', async () => {
    const path = runsFile('d a\n');
    const queue = await openRuns(path);
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });

    writeFileSync(`${path}.new`, '# now with a comment\n. b\n');
    renameSync(`${path}.new`, path);
    const { job } = await claim(queue);
    expect([job.number, job.command.toString()]).toEqual([2, 'b']);
  });
});

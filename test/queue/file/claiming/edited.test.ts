import { fstatSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { presenceByte } from '../../../../src/queue/file/presence/presence-byte.js';
import type { Claim } from '../../../../src/queue/queue.js';
import { edit, patchFile, replaceFile, rewriteFile } from '../../../support/edit.js';
import { eventually, isOpenAfter } from '../../../support/eventually.js';
import { claim, finishEverything, holdersOf, longAfter, openRuns, reclaimAtOnce } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

const content = (path: string): string => readFileSync(path, 'utf8');

describe('a runs file that is edited again before its runner has looked after the first edit', () => {
  it('gets the results soon, though presence that the second edit has made stale is in the way of what the first has moved', async () => {
    const path = runsFile('. aa\n. bb\n. cc\n');
    const queue = await openRuns(path);
    const [a, b] = [await claim(queue), await claim(queue)];
    const somebody = await recordDriver('local').open(path, 'change');
    onTestFinished(() => somebody.close());
    rewriteFile(path, '. cc\nr bb\nr aa\n');
    // Where the first job is now: whoever looks after it has to wait.
    expect(await somebody.tryLock('exclusive', 10, 1)).toBe(true);
    await setTimeout(1500);
    // Now it is where the second job's presence is still shown.
    rewriteFile(path, '#####\nr aa\nr bb\n. cc\n');
    await somebody.unlock(10, 1);
    const began = performance.now();
    expect(await a.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(await b.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(content(path)).toBe('#####\nd aa\n! bb\n. cc\n');
  });
});

describe('a large runs file of which many jobs run', () => {
  it('makes no orphans of them when it is edited: all of them show presence again in time', async () => {
    const jobs = 200;
    const path = runsFile('. job\n'.repeat(jobs) + 'd another one, with a longer command\n'.repeat(200_000));
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const claims: Claim[] = [];
    for (let job = 0; job < jobs; job++) claims.push(await claim(runner));
    edit(path, text => `# inserted\n${text}`, 'replaced');
    const began = performance.now();
    await eventually('presence is shown', async () => (await holdersOf(user, { states: ['r'] })).every(holder => holder === 'present'));
    expect(performance.now() - began).toBeLessThan(user.capabilities.presenceReturns as number);
    for (const taken of claims) expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });
});

describe('a runs file in which somebody seems to be absent', () => {
  it('has no orphan at the first look, however long nobody has touched it: another may have been put in its place', async () => {
    const path = runsFile('r a\n');
    utimesSync(path, 1000, 1000);
    const queue = await openRuns(path);
    expect(await longAfter(() => queue.reclaim())).toEqual([]);
  });

  it('has none at a later look, when an edit before each of them has taken presence away', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n. b\n');
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const taken = await claim(runner);
    edit(path, text => `# inserted\n${text}`, 'rewritten');
    expect(await user.reclaim()).toEqual([]);
    await eventually('presence is shown', async () => (await holdersOf(user))[0] === 'present');
    await setTimeout(user.capabilities.presenceReturns);
    edit(path, text => text.replace('# inserted\n', ''), 'rewritten');
    expect(await holdersOf(user)).toEqual(['absent', undefined]);
    expect(await user.reclaim()).toEqual([]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('gets a result as soon as the presence of a stopped runner, by chance at the place to which its line was moved, is gone', {
    tags: ['slow'],
  }, async () => {
    const path = runsFile('. a\n. b\n');
    const taken = await claim(await openRuns(path));
    const stopped = await recordDriver('local').open(path, 'change');
    onTestFinished(() => stopped.close());
    expect(await stopped.tryLock('shared', presenceByte(9), 1)).toBe(true);
    rewriteFile(path, '# 345678\nr a\n. b\n');
    const finished = taken.finish({ state: 'd' });
    expect(await isOpenAfter(finished, 4000)).toBe(true);
    await stopped.unlock(presenceByte(9), 1);
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# 345678\nd a\n. b\n');
  });
});

describe('a runs file in which somebody sets a running job back', () => {
  it('gets no result of the first run, which is told at once, when the same runner has claimed the job again', async () => {
    const path = runsFile('. a\n. b\n');
    const queue = await openRuns(path);
    const first = await claim(queue);
    await (await openRuns(path)).set({}, '.', { force: true });
    await setTimeout(200);
    const second = await claim(queue);
    expect(second.job.number).toBe(1);
    const began = performance.now();
    expect(await first.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    expect(performance.now() - began).toBeLessThan(4000);
    expect(await second.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('! a\n. b\n');
  });
});

describe('a runs file of which a runner knows enough that is new', () => {
  it('has what was set back above a barrier run first all the same, within moments', async () => {
    const path = runsFile(`. a\n---\n${'. b\n'.repeat(100)}`);
    const queue = await openRuns(path);
    await (await claim(queue)).finish({ state: 'd' });
    await (await claim(queue)).finish({ state: 'd' });
    patchFile(path, 0, '.');
    await setTimeout(200);
    expect((await claim(queue)).job.number).toBe(1);
  });

  it('has the jobs by the numbers that they have by then', async () => {
    const path = runsFile(`# a comment\n# another\n${'. b\n'.repeat(100)}`);
    const queue = await openRuns(path);
    expect((await claim(queue)).job.number).toBe(3);
    edit(path, text => text.replace('comment\n#', 'comment, '), 'rewritten');
    await setTimeout(200);
    expect((await claim(queue)).job.number).toBe(3);
  });
});

describe('a runs file that is away for a moment', () => {
  it('is waited for by whoever has seen it before, though nothing was claimed yet', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path);
    await queue.counts();
    renameSync(path, `${path}.away`);
    const [counts, taken] = [queue.counts(), claim(queue)];
    await setTimeout(500);
    renameSync(`${path}.away`, path);
    expect(await counts).toMatchObject({ total: 1 });
    expect((await taken).job.number).toBe(1);
  });
});

describe.each(['replaced', 'rewritten'] as const)('a runs file that an editor has %s while a job runs', how => {
  it('gets the result in the line of the job, however many lines were put above it', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const queue = await openRuns(path);
    const [a, b] = [await claim(queue), await claim(queue)];
    edit(path, text => `# a comment that somebody wrote\n\n${text}`, how);
    expect(await b.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(await a.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# a comment that somebody wrote\n\nd a\n! b\n. c\n');
  });

  it('gets it also when the lines above are as long as those of the jobs', async () => {
    const path = runsFile('. a\n. b\n. c\n. d\n');
    const queue = await openRuns(path);
    const [a, b, c] = [await claim(queue), await claim(queue), await claim(queue)];
    edit(path, text => `. 0\n${text}`, how);
    expect(await a.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(await b.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(await c.finish({ state: 'e' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('. 0\nd a\n! b\ne c\n. d\n');
  });

  it('gets it where lines above were removed', async () => {
    const path = runsFile('d x\nd y\n. a\n');
    const taken = await claim(await openRuns(path));
    edit(path, text => text.replace('d x\nd y\n', ''), how);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('d a\n');
  });

  it('gets it where the lines were put into another order', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const queue = await openRuns(path);
    const [a, b] = [await claim(queue), await claim(queue)];
    edit(path, text => text.trimEnd().split('\n').reverse().join('\n'), how);
    await a.finish({ state: 'd' });
    await b.finish({ state: '!' });
    expect(content(path)).toBe('. c\n! b\nd a');
  });

  it('gets it where the editor has changed the line ends', async () => {
    const path = runsFile('. a\n. b\n');
    const queue = await openRuns(path);
    const [a, b] = [await claim(queue), await claim(queue)];
    edit(path, text => text.replaceAll('\n', '\r\n'), how);
    await a.finish({ state: 'd' });
    await b.finish({ state: 'd' });
    expect(content(path)).toBe('d a\r\nd b\r\n');
  });

  it('gets each result once among lines that say the same', async () => {
    const path = runsFile('. same\n. same\n. same\n. other\n');
    const queue = await openRuns(path);
    const claims = [await claim(queue), await claim(queue), await claim(queue)];
    edit(path, text => `# inserted\n${text}`, how);
    for (const taken of claims) expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# inserted\nd same\nd same\nd same\n. other\n');
  });

  it('gets nothing for a job whose line is gone: the claim says so', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n. b\n');
    const taken = await claim(await openRuns(path));
    edit(path, text => text.replace('r a\n', ''), how);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: 'its line was changed or removed while the job ran' });
    expect(content(path)).toBe('. b\n');
  });

  it('gets nothing for a job whose command was changed', { tags: ['slow'] }, async () => {
    const path = runsFile('. echo 1\n. b\n');
    const taken = await claim(await openRuns(path));
    edit(path, text => text.replace('echo 1', 'echo 2'), how);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: 'its line was changed or removed while the job ran' });
    expect(content(path)).toBe('r echo 2\n. b\n');
  });

  it('gets the result of a job whose old state was saved, unless nothing else is new: so does runset', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n. b\n');
    const taken = await claim(await openRuns(path));
    edit(path, text => text.replace('r a', '. a'), how);
    const isMeant = how === 'rewritten';
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: isMeant ? 'refused' : 'recorded' });
    expect(content(path)).toBe(isMeant ? '. a\n. b\n' : 'd a\n. b\n');
  });

  it('is read anew by the next claim', async () => {
    const path = runsFile('. a\n. b\n');
    const queue = await openRuns(path);
    await claim(queue);
    edit(path, text => `. urgent\n${text}`, how);
    const { job } = await claim(queue);
    expect([job.number, job.command.toString()]).toEqual([1, 'urgent']);
  });

  it('gives no job away twice', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const [one, other] = [await openRuns(path), await openRuns(path)];
    const a = await claim(one);
    edit(path, text => `# inserted\n${text}`, how);
    const b = await claim(other);
    const c = await claim(one);
    expect([b, c].map(({ job }) => job.command.toString())).toEqual(['b', 'c']);
    for (const taken of [a, b, c]) expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# inserted\nd a\nd b\nd c\n');
  });

  it('soon shows presence where the line is now: the job is not taken for an orphan', async () => {
    const path = runsFile('. a\n. b\n');
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const taken = await claim(runner);
    edit(path, text => `# inserted\n${text}`, how);
    await eventually('presence is shown', async () => (await holdersOf(user))[0] === 'present');
    expect(await reclaimAtOnce(user)).toEqual([]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# inserted\nd a\n. b\n');
  });

  it('does not make an orphan of a job that runs, although nobody shows to run it just then', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n. b\n');
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const taken = await claim(runner);
    edit(path, text => `# inserted\n${text}`, how);
    expect(await holdersOf(user)).toEqual(['absent', undefined]);
    const end = performance.now() + 2 * (user.capabilities.presenceReturns as number);
    while (performance.now() < end) {
      expect(await user.reclaim()).toEqual([]);
      await setTimeout(100);
    }
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('has no job set to another state that runs, although nobody shows to run it just then', { tags: ['slow'] }, async () => {
    const jobs = 12;
    const path = runsFile(`${'. a\n'.repeat(jobs)}d b\n`);
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const claims: Claim[] = [];
    for (let job = 0; job < jobs; job++) claims.push(await claim(runner));
    edit(path, text => `# inserted\n${text}`, how);
    const { changed, running } = await user.set({}, '.');
    expect([changed, running.length]).toEqual([1, jobs]);
    for (const taken of claims) expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe(`# inserted\n${'d a\n'.repeat(jobs)}. b\n`);
  });

  it('makes no orphans of jobs that run, when it is edited again just as somebody looks for the second time', {
    tags: ['slow'],
  }, async () => {
    const jobs = 12;
    const path = runsFile('. a\n'.repeat(jobs));
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const claims: Claim[] = [];
    for (let job = 0; job < jobs; job++) claims.push(await claim(runner));
    for (let saves = 0; saves < 2; saves++) {
      edit(path, text => `# inserted\n${text}`, how);
      const began = performance.now();
      expect(await user.reclaim()).toEqual([]);
      // However many of them seemed to be orphans the last time.
      expect(performance.now() - began).toBeLessThan(3000);
      await setTimeout(user.capabilities.presenceReturns);
    }
    edit(path, text => text.replaceAll('# inserted\n', ''), how);
    expect(await user.reclaim()).toEqual([]);
    for (const taken of claims) expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('leaves the descriptor that shows presence open until the process has it, wherever presence is shown by then', async () => {
    const path = runsFile('. a\n. b\n');
    const [runner, user] = [await openRuns(path), await openRuns(path)];
    const taken = await claim(runner);
    const started = taken.holdPresence?.();
    const descriptor = taken.presence as number;
    const before = fstatSync(descriptor).ino;
    edit(path, text => `# inserted\n${text}`, how);
    await eventually('presence is shown', async () => (await holdersOf(user))[0] === 'present');
    // The number does not mean another file yet.
    expect(taken.presence).not.toBe(descriptor);
    expect(fstatSync(descriptor).ino).toBe(before);
    started?.();
    expect(() => fstatSync(descriptor)).toThrow('EBADF');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('works on to its end', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const queue = await openRuns(path);
    const a = await claim(queue);
    edit(path, text => text.replace('. b\n', '. b1\n. b2\n'), how);
    await a.finish({ state: 'd' });
    expect((await finishEverything(queue)).map(job => job.command.toString())).toEqual(['b1', 'b2', 'c']);
    expect(content(path)).toBe('d a\nd b1\nd b2\nd c\n');
  });
});

describe('a runs file that is being saved in place, and so is shorter for a moment', () => {
  it.each([
    ['is not counted as being at its end', 'd a\nd b\n'],
    ['is not counted as being without jobs', ''],
  ])('%s', async (_, half) => {
    const path = runsFile('d a\nd b\n. c\n');
    const queue = await openRuns(path);
    await queue.counts();
    rewriteFile(path, half);
    const counts = queue.counts();
    await setTimeout(100);
    rewriteFile(path, 'd a\nd b\n. c\n');
    expect(await counts).toMatchObject({ new: 1, total: 3 });
  });

  it('is counted as it is when there is still something to run, and by who only shows how far it is', async () => {
    const path = runsFile('d a\n. b\n. c\n');
    const queue = await openRuns(path);
    await queue.counts();
    rewriteFile(path, 'd a\n. b\n');
    expect(await queue.counts()).toMatchObject({ new: 1, total: 2 });
    rewriteFile(path, 'd a\n');
    expect(await queue.counts({ known: true })).toMatchObject({ new: 0, total: 1 });
  });

  it('is counted as it is once it has stayed shorter', { tags: ['slow'] }, async () => {
    const path = runsFile('d a\n. b\n');
    const queue = await openRuns(path);
    await queue.counts();
    rewriteFile(path, 'd a\n');
    expect(await queue.counts()).toMatchObject({ done: 1, total: 1 });
  });
});

describe('a runs file that changes under a runner', () => {
  it.each([
    { before: '. same\nr same\n', mine: 1, after: '- same\nr same\n' },
    { before: 'r same\n. same\n', mine: 2, after: 'r same\n- same\n' },
  ])(
    'gets no result in a line that says the same, when somebody has set the line of the job (line $mine)',
    { tags: ['slow'] },
    async ({ before, mine, after }) => {
      const path = runsFile(before);
      const [runner, user] = [await openRuns(path), await openRuns(path)];
      const taken = await claim(runner);
      await user.set({ lines: [{ from: mine, to: mine }] }, '-', { force: true });
      expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: 'somebody set the line to "-" while its job ran' });
      expect(content(path)).toBe(after);
    },
  );

  it('may lose the line of a job and get it back', async () => {
    const path = runsFile('. a\n. b\n');
    const taken = await claim(await openRuns(path));
    const before = content(path);
    rewriteFile(path, '');
    rewriteFile(path, before);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('d a\n. b\n');
  });

  it('may shrink: what is left is worked on', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const queue = await openRuns(path);
    const taken = await claim(queue);
    rewriteFile(path, 'r a\n. b\n');
    await taken.finish({ state: 'd' });
    expect((await finishEverything(queue)).map(job => job.command.toString())).toEqual(['b']);
    expect(content(path)).toBe('d a\nd b\n');
  });

  it('may be removed: the result is refused and no file is made', async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path));
    rmSync(path);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: `${path} was removed while the job ran` });
    expect(() => content(path)).toThrow('ENOENT');
  });

  it('may be away for the moment in which an editor saves it', async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path));
    const before = content(path);
    rmSync(path);
    const finished = taken.finish({ state: 'd' });
    void setTimeout(100).then(() => writeFileSync(path, before));
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('d a\n');
  });

  it('may get a job another command between two claims: the new one is run', async () => {
    const path = runsFile('. a\n. b\n');
    const queue = await openRuns(path);
    await claim(queue);
    patchFile(path, content(path).indexOf('b'), 'B');
    expect((await claim(queue)).job.command.toString()).toBe('B');
  });

  it('may get a job other directives between two claims: the new ones hold', async () => {
    const path = runsFile('. a\n. b #: cpus=1\n. c\n');
    const queue = await openRuns(path);
    await claim(queue);
    patchFile(path, content(path).indexOf('1'), '3');
    const room = { cpus: 2, mem: 0, gpus: 0 };
    const taken = await claim(queue, { free: room, capacity: { ...room, cpus: 4 } });
    expect(taken.job.command.toString()).toBe('c');
  });

  it('may have a job wait for another one than before, in as many bytes: the new one counts', async () => {
    const path = runsFile('! a\n. b\n. c #: after=1\n');
    const queue = await openRuns(path);
    const b = await claim(queue);
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
    patchFile(path, content(path).indexOf('1'), '2');
    await b.finish({ state: 'd' });
    expect((await claim(queue)).job.number).toBe(3);
  });

  it('may be replaced by one in which the next line stands at the same byte, with another number', async () => {
    const path = runsFile('. a\n. b\n');
    const queue = await openRuns(path);
    await claim(queue);
    replaceFile(path, '#1\n\n. b\n');
    expect((await claim(queue)).job.number).toBe(3);
  });

  it('may be replaced by one without the job: nothing of the old file is written', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path));
    replaceFile(path, '. quite other jobs\n');
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    expect(content(path)).toBe('. quite other jobs\n');
  });
});

import { readFileSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileQueue } from '../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../src/queue/file/locks/record.js';
import type { Claim, FinishResult } from '../../../src/queue/queue.js';
import { startInBackground } from '../../support/background.js';
import { replaceFile, rewriteFile } from '../../support/edit.js';
import { eventually, isOpenAfter } from '../../support/eventually.js';
import { type Hook, HookedDriver } from '../../support/hooked-locks.js';
import { claim, openRuns, reclaimAtOnce } from '../../support/queues.js';
import { runsFile } from '../../support/temporary.js';

const content = (path: string): string => readFileSync(path, 'utf8');

/** How long a save takes where the disk or the file server is slow, in ms. */
const SAVING = 300;

/**
 * nano and "> file" truncate the file first and then write it again. In between, readers may see only the beginning of the file;
 * a state written at that moment is lost with the save, like any other that the editor has not read.
 */
async function rewriteSlowly(path: string, text: string): Promise<void> {
  truncateSync(path);
  await setTimeout(SAVING);
  rewriteFile(path, text);
}

describe('while an editor rewrites the file in place', () => {
  it('a result waits until the line is back', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const queue = await openRuns(path);
    const [, b] = [await claim(queue), await claim(queue)];
    const saved = rewriteSlowly(path, '# new\nr a\nr b\n. c\n');
    await setTimeout(SAVING / 4);
    const [result] = await Promise.all([b.finish({ state: 'd' }), saved]);
    expect(result).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# new\nr a\nd b\n. c\n');
  });

  it('no other runner is given the line of a running job', async () => {
    const path = runsFile('. a\n. b\n');
    const [queue, other] = [await openRuns(path), await openRuns(path)];
    const a = await claim(queue);
    // As long as runners need to notice that a line has moved.
    for (let saves = 0; saves < 4; saves++) {
      await rewriteSlowly(path, `${'# another comment\n'.repeat(saves)}r a\n. b\n`);
      await setTimeout(1200);
      expect(await reclaimAtOnce(other)).toEqual([]);
    }
    expect(await a.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe(`${'# another comment\n'.repeat(3)}d a\n. b\n`);
  });

  it('a runner does not mistake the empty file for a finished one', async () => {
    const job = (number: number): string => `echo ${number} >> log; sleep 0.4`;
    const path = runsFile(`. ${job(1)}\n. ${job(2)}\n. ${job(3)}\n`);
    const folder = dirname(path);
    const runner = startInBackground('runmaker', ['runs.txt'], { cwd: folder, stdout: join(folder, 'out'), stderr: join(folder, 'err') });
    await eventually('the first job runs', () => content(path).startsWith('r'));
    // The first job ends meanwhile.
    await setTimeout(250);
    await rewriteSlowly(path, content(path));
    expect({ ...(await runner.within(15_000)), said: readFileSync(join(folder, 'err'), 'utf8') }).toEqual({
      status: 0,
      signal: null,
      said: '',
    });
    expect(content(path)).toBe(`d ${job(1)}\nd ${job(2)}\nd ${job(3)}\n`);
  });
});

/** A queue whose file is replaced at the worst moment: after it was opened for a change, and before it is locked. */
async function openShaky(before: string): Promise<{ queue: FileQueue; path: string; replaceNext(after: string, opened?: boolean): void }> {
  const path = runsFile(before);
  let next: string | undefined;
  let isOpened = false;
  const hook: Hook = ({ call, access, kind }) => {
    if (access === 'look') return;
    isOpened ||= call === 'open';
    if (!isOpened || call !== 'tryLock' || kind !== 'exclusive' || next === undefined) return;
    replaceFile(path, next);
    next = undefined;
  };
  const queue = new FileQueue(path, new HookedDriver(recordDriver('local'), hook));
  onTestFinished(() => queue.close());
  await queue.counts();
  return {
    queue,
    path,
    /** @param opened whether the file is already open */
    replaceNext(after, opened = false) {
      next = after;
      isOpened = opened;
    },
  };
}

describe('a file that is replaced between open and lock', () => {
  it('is claimed from in its new version: nothing is written into the removed file', async () => {
    const { queue, path, replaceNext } = await openShaky('. a\n. b\n');
    replaceNext('# new\n. a\n. b\n');
    const taken = await claim(queue);
    expect(content(path)).toBe('# new\nr a\n. b\n');
    expect(taken.job.number).toBe(2);
    await taken.finish({ state: 'd' });
  });

  it('receives a result in its new version: no result is reported as recorded that is not there', async () => {
    const { queue, path, replaceNext } = await openShaky('. a\n. b\n');
    const taken = await claim(queue);
    replaceNext('# new\nr a\n. b\n', true);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# new\nd a\n. b\n');
  });

  it('receives a result in its new version even if the line had to be searched', async () => {
    const { queue, path, replaceNext } = await openShaky('. a\n. b\n');
    const taken = await claim(queue);
    replaceFile(path, '# new\nr a\n. b\n');
    // Not with the previous file, which is open, but with the new one when it is opened.
    replaceNext('# new\nr a\n. b\n# newer\n');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(content(path)).toBe('# new\nd a\n. b\n# newer\n');
  });

  it('is appended to in its new version: no job is lost', async () => {
    const { queue, path, replaceNext } = await openShaky('. a\n');
    replaceNext('# new\n. a\n');
    await queue.append([Buffer.from('b')]);
    expect(content(path)).toBe('# new\n. a\n. b\n');
  });

  it('has its states set in its new version, or the change is reported as not done', async () => {
    const { queue, path, replaceNext } = await openShaky('. a\n. b\n');
    replaceNext('. a\n. b\n# new\n');
    const changed = await queue.set({}, '-').then(
      result => result.changed,
      () => 0,
    );
    expect({ changed, content: content(path) }).toEqual(
      changed === 0 ? { changed, content: '. a\n. b\n# new\n' } : { changed: 2, content: '- a\n- b\n# new\n' },
    );
  });

  it('has its orphans reclaimed in its new version, or none', async () => {
    const { queue, path, replaceNext } = await openShaky('r a\n. b\n');
    replaceNext('r a\n. b\n# new\n');
    const reclaimed = await reclaimAtOnce(queue);
    expect({ reclaimed: reclaimed.length, content: content(path) }).toEqual(
      reclaimed.length === 0 ? { reclaimed: 0, content: 'r a\n. b\n# new\n' } : { reclaimed: 1, content: '. a\n. b\n# new\n' },
    );
  });
});

describe('a file whose lines have moved', () => {
  it('accepts the results of jobs that end while presence is updated', async () => {
    const jobs = Array.from({ length: 8 }, (_, at) => at);
    const lines = (state: string): string => jobs.map(job => `${state} job ${job}\n`).join('');
    const path = runsFile(lines('.'));
    // Every call takes a moment, as it does over a network.
    const queue = new FileQueue(path, new HookedDriver(recordDriver('local'), () => setTimeout(1)));
    onTestFinished(() => queue.close());
    const claims: Claim[] = [];
    for (const _ of jobs) claims.push(await claim(queue));
    replaceFile(path, `# new\n${lines('r')}`);
    const results: Promise<FinishResult>[] = [];
    for (const taken of claims) {
      results.push(taken.finish({ state: 'd' }));
      await setTimeout(20);
    }
    const all = Promise.all(results);
    expect(await isOpenAfter(all, 10_000)).toBe(false);
    expect(await all).toEqual(jobs.map(() => ({ kind: 'recorded' })));
    expect(content(path)).toBe(`# new\n${lines('d')}`);
  });
});

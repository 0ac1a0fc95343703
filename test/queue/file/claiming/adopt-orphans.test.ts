import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Claim, LockDriverName, Queue } from '../../../../src/queue/queue.js';
import { isOpenAfter } from '../../../support/eventually.js';
import { lockElsewhere } from '../../../support/other-locks.js';
import { claim, holdersOf, openRuns, reclaimAtOnce } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

async function adopt(queue: Queue): Promise<readonly Claim[]> {
  if (queue.adopt === undefined) throw new Error('this queue cannot adopt');
  return await queue.adopt();
}

describe('adopting orphans', () => {
  it('takes up the claims of jobs in state r that nobody is at, and writes nothing', async () => {
    const content = '# c\n. a\nr b #: name=b\n? c\nr d\nd e\n';
    const path = runsFile(content);
    const adopted = await adopt(await openRuns(path));
    expect(adopted.map(({ job }) => [job.number, job.ordinal, job.offset, String(job.command), job.directives.name])).toEqual([
      [3, 2, 8, 'b #: name=b', 'b'],
      [5, 4, 26, 'd', undefined],
    ]);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  it('shows presence there: nobody else takes them for orphans, or adopts them', async () => {
    const path = runsFile('r a\nr b\n');
    const [one, other] = [await openRuns(path), await openRuns(path)];
    await adopt(one);
    expect(await holdersOf(other)).toEqual(['present', 'present']);
    expect(await reclaimAtOnce(other)).toEqual([]);
    expect(await adopt(other)).toEqual([]);
  });

  it('leaves jobs alone that a runner runs', async () => {
    const path = runsFile('. a\nr b\n');
    const [one, other] = [await openRuns(path), await openRuns(path)];
    const taken = await claim(one);
    expect((await adopt(other)).map(({ job }) => job.number)).toEqual([2]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('waits for who reads the whole file under a lock for a moment, as older runners do', async () => {
    const path = runsFile('r a\nr b\n. c\n');
    const [one, other] = [await openRuns(path), await openRuns(path)];
    await claim(other);
    const reader = await lockElsewhere(path, 'shared');
    const adopting = adopt(one);
    expect(await isOpenAfter(adopting, 300)).toBe(true);
    await reader.release();
    expect((await adopting).map(({ job }) => job.number)).toEqual([1, 2]);
  });

  it('waits for who has the lock beside the file for a moment', async () => {
    const path = runsFile('r a\n');
    mkdirSync(`${path}.lock`);
    const adopting = adopt(await openRuns(path, 'directory'));
    expect(await isOpenAfter(adopting, 300)).toBe(true);
    rmdirSync(`${path}.lock`);
    expect((await adopting).map(({ job }) => job.number)).toEqual([1]);
  });

  it('does not wait for jobs that others run, however many', async () => {
    const path = runsFile(`${'. a\n'.repeat(300)}r b\n`);
    const [one, other] = [await openRuns(path), await openRuns(path)];
    for (let line = 1; line <= 300; line++) await claim(other);
    const began = performance.now();
    expect((await adopt(one)).map(({ job }) => job.number)).toEqual([301]);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it.each<LockDriverName>(['record', 'directory'])('gives claims that end as others do (%s)', async driver => {
    const path = runsFile('r a\nr b\nr c\n');
    const [a, b, c] = await adopt(await openRuns(path, driver));
    expect(await a?.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(await b?.release()).toEqual({ kind: 'recorded' });
    await c?.abandon?.();
    expect(readFileSync(path, 'utf8')).toBe('d a\n. b\nr c\n');
  });
});

describe('a claim that is abandoned', () => {
  it('leaves an orphan, and can do nothing any more', async () => {
    const path = runsFile('. a\n');
    const [one, other] = [await openRuns(path), await openRuns(path)];
    const taken = await claim(one);
    await taken.abandon?.();
    expect(await holdersOf(other)).toEqual(['absent']);
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    expect(readFileSync(path, 'utf8')).toBe('r a\n');
    expect((await reclaimAtOnce(other)).map(({ number }) => number)).toEqual([1]);
  });

  it('is not abandoned once it has ended', async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path));
    await taken.finish({ state: 'd' });
    await taken.abandon?.();
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });
});

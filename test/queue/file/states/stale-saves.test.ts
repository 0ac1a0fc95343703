import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { QueueNotice } from '../../../../src/queue/queue.js';
import { claim, openRuns } from '../../../support/queues.js';
import { Random, seedFrom } from '../../../support/random.js';
import { runsFile } from '../../../support/temporary.js';

const SEED = seedFrom('RUNMAKER_STALE_SEED');

/** The ways in which editors save: in place, by renaming, and by moving the old file away first. */
const EDITORS: Readonly<Record<string, (path: string, text: string) => void>> = {
  'in place': (path, text) => writeFileSync(path, text, 'latin1'),
  'by renaming': (path, text) => {
    writeFileSync(`${path}.new`, text, 'latin1');
    renameSync(`${path}.new`, path);
  },
  'with a backup': (path, text) => {
    renameSync(path, `${path}~`);
    copyFileSync(`${path}~`, path);
    writeFileSync(path, text, 'latin1');
  },
};

/** Within so many ms a runner that is at work looks at its file. */
const NOTICED = 300;
const CONTENT = '. job 1\n. job 2\n. job 3\n. job 4\n. job 5\n';

describe.each(Object.entries(EDITORS))('a copy of minutes ago that is saved %s', (_, save) => {
  it('brings back no state: what was done and what is running is put right, and said once', async () => {
    const path = runsFile(CONTENT);
    const [queue, other] = [await openRuns(path), await openRuns(path)];
    const notices: QueueNotice[] = [];
    const tell = (notice: QueueNotice): void => void notices.push(notice);
    await other.counts();
    const copy = readFileSync(path, 'latin1');
    const first = await claim(queue, { tell });
    const second = await claim(queue, { tell });
    await first.finish({ state: 'd' });
    save(path, `# a note\n${copy.replace('job 4', 'job four')}`);
    await setTimeout(NOTICED);
    expect((await claim(other)).job.command.toString()).toBe('job 3');
    expect(readFileSync(path, 'latin1')).toBe('# a note\nd job 1\nr job 2\nr job 3\n. job four\n. job 5\n');
    expect(notices).toMatchObject([{ kind: 'news', message: `${path} was saved with 2 states that were out of date: put right` }]);
    expect(await second.finish({ state: '!' })).toEqual({ kind: 'recorded' });
  });

  it('may still show a finished job as running: it is no orphan, it is done', async () => {
    const path = runsFile(CONTENT);
    const queue = await openRuns(path);
    const taken = await claim(queue);
    const copy = readFileSync(path, 'latin1');
    await taken.finish({ state: 'd' });
    save(path, copy.replace('job 4', 'job four'));
    await setTimeout(NOTICED);
    expect((await claim(queue)).job.number).toBe(2);
    expect(readFileSync(path, 'latin1')).toBe('d job 1\nr job 2\n. job 3\n. job four\n. job 5\n');
  });
});

describe('what is plainly meant', () => {
  it('is a state that was the same all along and is another one now', async () => {
    const path = runsFile(`d old\n${CONTENT}`);
    const queue = await openRuns(path);
    await (await claim(queue)).finish({ state: 'd' });
    writeFileSync(path, readFileSync(path, 'latin1').replace('d old', '. old').replace('. job 5', '- job five'));
    await setTimeout(NOTICED);
    expect((await claim(queue)).job.command.toString()).toBe('old');
  });

  it('is what runset changes', async () => {
    const path = runsFile(CONTENT);
    const queue = await openRuns(path);
    await (await claim(queue)).finish({ state: 'd' });
    await (await openRuns(path)).set({}, '.');
    await setTimeout(NOTICED);
    expect((await claim(queue)).job.number).toBe(1);
  });
});

describe('random edits of copies of any age, while three runners work', () => {
  it(`run no job twice whose line was not touched by hand (RUNMAKER_STALE_SEED=${SEED})`, { tags: ['long'], timeout: 60_000 }, async () => {
    const random = new Random(SEED);
    const jobs = 60;
    const path = runsFile(Array.from({ length: jobs }, (_, at) => `. job ${at}\n`).join(''));
    const runs = new Map<string, number>();
    const copies = [readFileSync(path, 'latin1')];
    let isOver = false;
    const work = async (): Promise<void> => {
      const queue = await openRuns(path);
      while (!isOver) {
        const result = await queue.claim({});
        if (result.kind !== 'claimed') {
          await setTimeout(50);
          continue;
        }
        const command = result.claim.job.command.toString();
        runs.set(command, (runs.get(command) ?? 0) + 1);
        await setTimeout(20 + random.below(100));
        await result.claim.finish({ state: 'd' });
      }
    };
    const working = [work(), work(), work()];
    const editors = Object.values(EDITORS);
    for (let edit = 0; edit < 8; edit++) {
      await setTimeout(500 + random.below(1500));
      const copy = copies[random.below(copies.length)] as string;
      const lines = copy.split('\n');
      lines.splice(random.below(lines.length), 0, `# edit ${edit}`);
      (editors[random.below(editors.length)] as (typeof editors)[number])(path, lines.join('\n'));
      copies.push(readFileSync(path, 'latin1'));
    }
    await expect.poll(() => readFileSync(path, 'latin1').match(/^[.r]/gm), { timeout: 40_000 }).toBeNull();
    isOver = true;
    await Promise.all(working);
    expect([...runs].filter(([, times]) => times !== 1)).toEqual([]);
    expect(runs.size).toBe(jobs);
  });
});

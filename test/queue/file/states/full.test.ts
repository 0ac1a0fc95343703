import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import type { QueueNotice } from '../../../../src/queue/queue.js';
import { HookedDriver, systemError } from '../../../support/hooked-locks.js';
import { claim, holdersOf, openRuns, reclaimAtOnce } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** EDQUOT as Node.js reports it: it knows no name for it. */
function quotaError(): Error {
  return Object.assign(new Error('UNKNOWN: unknown error, write'), { code: 'UNKNOWN', errno: -constants.errno.EDQUOT });
}

/** A runs file on a disk that is full while `disk.error` is set, and on which every write needs new room. */
function openOnDisk(content: string, patience = 20_000) {
  const path = runsFile(content);
  const disk: { error: Error | undefined; tries: number } = { error: undefined, tries: 0 };
  const driver = new HookedDriver(recordDriver('local'), ({ call, access }) => {
    if (call !== 'write' || access !== 'change' || disk.error === undefined) return;
    disk.tries++;
    throw disk.error;
  });
  const queue = new FileQueue(path, driver, { patience });
  onTestFinished(() => queue.close());
  return { path, queue, disk };
}

const ERRORS = [
  { name: 'no space left (ENOSPC)', error: systemError('ENOSPC') },
  { name: 'the disk quota is used up (EDQUOT)', error: quotaError() },
];

describe.each(ERRORS)('a disk on which states need room: $name', ({ name, error }) => {
  it('gets the result of a job when there is room again', async () => {
    const { path, queue, disk } = openOnDisk('. a\n');
    const taken = await claim(queue);
    disk.error = error;
    const finished = taken.finish({ state: 'd' });
    await expect.poll(() => disk.tries, { timeout: 10_000 }).toBeGreaterThan(2);
    expect(readFileSync(path, 'utf8')).toBe('r a\n');
    disk.error = undefined;
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });

  it('is told once, in words', async () => {
    const { queue, disk } = openOnDisk('. a\n. b\n');
    const notices: QueueNotice[] = [];
    const taken = [await claim(queue, { tell: notice => notices.push(notice) }), await claim(queue)];
    disk.error = error;
    const finished = taken.map(one => one.finish({ state: 'd' }));
    await expect.poll(() => disk.tries, { timeout: 10_000 }).toBeGreaterThan(4);
    disk.error = undefined;
    await Promise.all(finished);
    expect(notices).toMatchObject([{ kind: 'news', message: expect.stringContaining(name) }]);
  });

  it('is reported in words when there is no room for as long as the patience lasts', async () => {
    const { queue, disk } = openOnDisk('. a\n', 300);
    const taken = await claim(queue);
    disk.error = error;
    await expect(taken.finish({ state: 'd' })).rejects.toThrow(name);
  });

  it('gives the next job out when there is room again', async () => {
    const { queue, disk } = openOnDisk('. a\n. b\n');
    await claim(queue);
    disk.error = error;
    const claimed = claim(queue);
    await expect.poll(() => disk.tries, { timeout: 10_000 }).toBeGreaterThan(2);
    disk.error = undefined;
    expect((await claimed).job.number).toBe(2);
  });
});

it('a job whose result waits for room is no orphan', async () => {
  const { path, queue, disk } = openOnDisk('. a\n');
  const user = await openRuns(path);
  const taken = await claim(queue);
  disk.error = systemError('ENOSPC');
  const finished = taken.finish({ state: 'd' });
  await expect.poll(() => disk.tries, { timeout: 10_000 }).toBeGreaterThan(4);
  expect(await holdersOf(user)).toEqual(['present']);
  expect(await reclaimAtOnce(user)).toEqual([]);
  disk.error = undefined;
  expect(await finished).toEqual({ kind: 'recorded' });
});

it('an append to a full disk fails at once', async () => {
  const driver = new HookedDriver(recordDriver('local'), ({ call, access }) => {
    if (call === 'write' && access === 'append') throw systemError('ENOSPC');
  });
  const queue = new FileQueue(runsFile('. a\n. b\n'), driver);
  onTestFinished(() => queue.close());
  await claim(queue);
  await expect(Promise.race([queue.append([Buffer.from('c')]), setTimeout(10_000)])).rejects.toThrow('no space left (ENOSPC)');
});

import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockEnd, needsAppendLock } from '../../../src/report/job-log/append-lock.js';
import { temporaryFolder } from '../support.js';

/** A file opened twice, for two concurrent appends. */
function twoDescriptors(): [number, number] {
  const path = join(temporaryFolder(), 'file');
  const open = () => {
    const fd = fs.openSync(path, 'a');
    onTestFinished(() => fs.closeSync(fd));
    return fd;
  };
  return [open(), open()];
}

describe.skipIf(process.platform !== 'linux')('the lock for appends', () => {
  it('makes the second append wait for the first', async () => {
    const [one, other] = twoDescriptors();
    const order: string[] = [];
    const release = await lockEnd(one);
    const second = lockEnd(other).then(async releaseSecond => {
      order.push('second');
      await releaseSecond();
    });
    await setTimeout(50);
    order.push('first is done');
    await release();
    await second;
    expect(order).toEqual(['first is done', 'second']);
  });

  it('is not waited for forever', async () => {
    const [one, other] = twoDescriptors();
    const release = await lockEnd(one);
    const releaseNothing = await lockEnd(other, 30);
    await releaseNothing();
    await release();
  });

  it('is not needed on a local disk', async () => {
    expect(await needsAppendLock(temporaryFolder())).toBe(false);
  });
});

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { describeQueue } from '../../../conformance/queue-conformance.js';
import { isOpenAfter } from '../../../support/eventually.js';
import { fileQueues } from '../../../support/file-queue.js';
import { lockElsewhere } from '../../../support/other-locks.js';
import { claim, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** fs-ext is an optional dependency: without a compiler it is not there, and this driver neither. */
function whyMissing(): string | undefined {
  try {
    createRequire(import.meta.url)('fs-ext');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error);
  }
}

const missing = whyMissing();
if (missing !== undefined) process.stderr.write(`skipped: the lock driver "file" is not tested, fs-ext cannot be loaded: ${missing}\n`);

describe.skipIf(missing !== undefined)('with fs-ext', () => {
  describeQueue('a runs file, locked by file', { presence: false }, fileQueues('file'));

  describe('a lock of another program on the whole file', () => {
    it('delays a claim and does not break it', async () => {
      const path = runsFile('. a\n');
      const queue = await openRuns(path, 'file');
      const reader = await lockElsewhere(path, 'shared');
      expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
      expect(readFileSync(path, 'utf8')).toBe('. a\n');
      await reader.release();
      expect((await claim(queue)).job.number).toBe(1);
    });

    it('delays the end of a claim and does not break it', async () => {
      const path = runsFile('. a\n');
      const taken = await claim(await openRuns(path, 'file'));
      const reader = await lockElsewhere(path, 'shared');
      const finished = taken.finish({ state: 'd' });
      expect(await isOpenAfter(finished, 200)).toBe(true);
      await reader.release();
      expect(await finished).toEqual({ kind: 'recorded' });
      expect(readFileSync(path, 'utf8')).toBe('d a\n');
    });
  });

  it('waits for runners of the driver record as long as their jobs run: the two exclude each other', async () => {
    const path = runsFile('. a\n. b\n');
    const taken = await claim(await openRuns(path, 'record'));
    const queue = await openRuns(path, 'file');
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    await taken.finish({ state: 'd' });
    expect((await claim(queue)).job.number).toBe(2);
  });

  it('holds no lock between two calls: older runners and others can work on', async () => {
    const path = runsFile('. a\n');
    const taken = await claim(await openRuns(path, 'file'));
    const worker = await lockElsewhere(path, 'exclusive');
    await worker.release();
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });
});

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import type { LockDriver } from '../../../../src/queue/file/locks/lock-driver.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { claim, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** A driver that lets something happen, once, just before it asks for an exclusive lock: on a slow network there is time enough. */
function slowDriver(meanwhile: () => Promise<void>): LockDriver {
  const driver = recordDriver('local');
  let happened = false;
  return {
    ...driver,
    async open(path, access) {
      const file = await driver.open(path, access);
      const tryLock = file.tryLock.bind(file);
      return Object.assign(file, {
        async tryLock(...request: Parameters<typeof tryLock>): Promise<boolean> {
          if (!happened && request[0] === 'exclusive') {
            happened = true;
            await meanwhile();
          }
          return await tryLock(...request);
        },
      });
    },
  };
}

it('a line that others claim while its lock is on the way is theirs, also if we see that at once by looking at the file', async () => {
  const path = runsFile('. a\n. b\n');
  const other = await openRuns(path);
  const queue: FileQueue = new FileQueue(
    path,
    slowDriver(async () => {
      expect((await claim(other)).job.number).toBe(1);
      // As the progress line does, and whoever waits for changes.
      expect(await queue.counts()).toMatchObject({ running: 1 });
    }),
  );
  expect((await claim(queue)).job.number).toBe(2);
  expect(readFileSync(path, 'utf8')).toBe('r a\nr b\n');
});

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { directoryDriver } from '../../../../src/queue/file/locks/directory.js';
import { networkDisk } from '../../../../src/system/disk.js';
import { describeQueue } from '../../../conformance/queue-conformance.js';
import { fileQueues } from '../../../support/file-queue.js';
import { HookedDriver, type LockCall } from '../../../support/hooked-locks.js';
import { claim, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

describeQueue('a runs file, locked by directory', { presence: false }, fileQueues('directory'));

describe('the folder that is the lock', () => {
  it('stands beside the file only while something is changed', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path, 'directory');
    const taken = await claim(queue);
    expect(existsSync(`${path}.lock`)).toBe(false);
    await taken.finish({ state: 'd' });
    await queue.append([Buffer.from('b')]);
    await queue.set({}, '-');
    expect(readdirSync(dirname(path))).toEqual(['runs.txt']);
    expect(readFileSync(path, 'utf8')).toBe('- a\n- b\n');
  });

  it('keeps others out for as long as it is there', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path, 'directory');
    mkdirSync(`${path}.lock`);
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    expect(readFileSync(path, 'utf8')).toBe('. a\n');
    rmdirSync(`${path}.lock`);
    expect((await claim(queue)).job.number).toBe(1);
  });

  it('is taken over when who made it has not touched it for a minute: that host died', async () => {
    const path = runsFile('. a\n');
    mkdirSync(`${path}.lock`);
    const then = Date.now() / 1000 - 60;
    utimesSync(`${path}.lock`, then, then);
    expect((await claim(await openRuns(path, 'directory'))).job.number).toBe(1);
  });

  /** Another host finds the folder too old, since this one was suspended: it makes one of its own. */
  function takeOver(path: string): void {
    rmdirSync(`${path}.lock`);
    mkdirSync(`${path}.lock`);
  }

  it.each<LockCall>(['read', 'write'])(
    'that was taken over before the write (at the %s) lets nothing be written, and stays',
    async when => {
      const path = runsFile('. a\n. b\n');
      let armed = false;
      const driver = new HookedDriver(directoryDriver(false), ({ call, access }) => {
        if (!armed || call !== when || access !== 'change') return;
        armed = false;
        takeOver(path);
      });
      const queue = new FileQueue(path, driver, { patience: 1000 });
      onTestFinished(() => queue.close());
      const first = await claim(queue);
      armed = true;
      expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
      expect(readFileSync(path, 'utf8')).toBe('r a\n. b\n');
      expect(existsSync(`${path}.lock`)).toBe(true);
      rmdirSync(`${path}.lock`);
      expect((await claim(queue)).job.number).toBe(2);
      expect(await first.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    },
  );

  it('that was taken over during the write is reported, and the job is not run', async () => {
    const path = runsFile('. a\n');
    const driver = directoryDriver(false);
    const queue = new FileQueue(path, {
      ...driver,
      async open(name, access) {
        const file = await driver.open(name, access);
        if (access !== 'change') return file;
        const write = networkDisk.write;
        return Object.assign(file, {
          write: async (...request: Parameters<typeof file.write>) => {
            const spy = vi.spyOn(networkDisk, 'write').mockImplementationOnce(async (...args) => {
              await write(...args);
              takeOver(path);
            });
            try {
              await Object.getPrototypeOf(file).write.apply(file, request);
            } finally {
              spy.mockRestore();
            }
          },
        });
      },
    });
    await expect(queue.claim({})).rejects.toThrow(`${path}.lock was taken over while ${path} was written`);
    expect(existsSync(`${path}.lock`)).toBe(true);
  });
});

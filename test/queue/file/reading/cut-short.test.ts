import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { HookedDriver, type LockCall, systemError } from '../../../support/hooked-locks.js';
import { claim, holdersOf, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** A handle to a queue on a server, and how to have its calls fail from the n-th of those to come on, so many of them. */
function openFailing(code: string, can: (call: LockCall) => boolean, content: string) {
  const path = runsFile(content);
  const failing = { in: Number.POSITIVE_INFINITY, times: 0 };
  const driver = new HookedDriver(recordDriver('network'), ({ call }) => {
    if (!can(call)) return;
    if (--failing.in > 0 || failing.times === 0) return;
    failing.times--;
    throw systemError(code);
  });
  const queue = new FileQueue(path, driver);
  const fail = (at: number, times: number): void => void Object.assign(failing, { in: at, times });
  return { path, queue, driver, failing, fail };
}

/** A signal may cut locks short, and nothing else; a server that is away may be felt by every call. */
const FAILURES = [
  { code: 'EINTR', can: (call: LockCall) => call === 'tryLock' || call === 'unlock' },
  { code: 'EIO', can: () => true },
] as const;
const TIMES = [1, 2, 5];
/** More calls than a claim, or its end, makes. */
const CALLS = 14;

describe.each(FAILURES)('whichever call fails for a moment with $code', ({ code, can }) => {
  const eachCall = TIMES.flatMap(times => Array.from({ length: CALLS }, (_, at) => ({ at: at + 1, times })));

  it('a claim is made and shows presence, or is not made and leaves the line as it was', async () => {
    const struck = await Promise.all(
      eachCall.map(async ({ at, times }) => {
        const what = `call ${at} of a claim, ${times} times`;
        const { path, queue, driver, failing, fail } = openFailing(code, can, '. first\n. a\n');
        await (await claim(queue)).finish({ state: 'd' });
        fail(at, times);
        const taken = await claim(queue);
        fail(0, 0);
        expect(taken.job.command.toString(), what).toBe('a');
        // Longer than it takes the kernel to give up what was cut short.
        await setTimeout(500);
        expect(await holdersOf(await openRuns(path)), what).toEqual([undefined, 'present']);
        expect(await taken.finish({ state: 'd' }), what).toEqual({ kind: 'recorded' });
        expect(readFileSync(path, 'utf8'), what).toBe('d first\nd a\n');
        await queue.close();
        expect(driver.openFiles, what).toBe(0);
        return failing.times < times;
      }),
    );
    expect(struck.filter(Boolean).length).toBeGreaterThan(0);
  }, 60_000);

  it("a job's end is written, and shows presence no more", async () => {
    await Promise.all(
      eachCall.map(async ({ at, times }) => {
        const what = `call ${at} of an end, ${times} times`;
        const { path, queue, driver, fail } = openFailing(code, can, '. a\n. b\n');
        const taken = await claim(queue);
        fail(at, times);
        expect(await taken.finish({ state: 'd' }), what).toEqual({ kind: 'recorded' });
        fail(0, 0);
        await setTimeout(500);
        expect(readFileSync(path, 'utf8'), what).toBe('d a\n. b\n');
        await queue.close();
        expect(driver.openFiles, what).toBe(0);
      }),
    );
  }, 60_000);
});

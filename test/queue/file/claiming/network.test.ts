import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import type { Claim, ClaimResult } from '../../../../src/queue/queue.js';
import type { Listener } from '../../../../src/run/events.js';
import { Runner } from '../../../../src/run/runner.js';
import { recordLocks } from '../../../../src/system/record-lock.js';
import { type Hook, HookedDriver, type LockRequest, systemError } from '../../../support/hooked-locks.js';
import { claim, holdersOf, openRuns, reclaimAtOnce } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** A handle to a runs file that is treated as if a server held it, and what it asks of its driver. */
function openAsOverNetwork(
  path: string,
  hook: Hook = () => undefined,
): { queue: FileQueue; driver: HookedDriver; requests: LockRequest[] } {
  const requests: LockRequest[] = [];
  const driver = new HookedDriver(recordDriver('network'), request => {
    requests.push(request);
    return hook(request);
  });
  const queue = new FileQueue(path, driver);
  onTestFinished(() => queue.close());
  return { queue, driver, requests };
}

/** All that a server is asked, but for closing: reads and writes at a place, locks, and what a file is. */
function asked(requests: readonly LockRequest[]): string[] {
  return requests.flatMap(({ call, kind }) => (call === 'close' ? [] : kind === undefined ? call : `${call} ${kind}`));
}

describe('over a network', () => {
  it('a claim asks the server no more than it must, and neither does its end', async () => {
    const { queue, requests } = openAsOverNetwork(runsFile('. a\n. b\n'));
    await claim(queue);
    requests.length = 0;
    const taken = await claim(queue);
    expect(asked(requests)).toEqual([
      ...['open', 'tryLock exclusive', 'facts', 'isAt', 'read'],
      // Presence: shared from now on, and the state is free again.
      ...['tryLock exclusive', 'write', 'read', 'tryLock shared', 'unlock'],
    ]);
    requests.length = 0;
    await taken.finish({ state: 'd' });
    expect(asked(requests)).toEqual(['tryLock exclusive', 'isAt', 'read', 'tryLock exclusive', 'write', 'read', 'unlock']);
  });

  it('two hosts that claim in turn seldom try a line that the other one has', async () => {
    const jobs = 400;
    const path = runsFile('. a\n'.repeat(jobs));
    const hosts = [openAsOverNetwork(path).queue, openAsOverNetwork(path).queue];
    const claims: Claim[] = [];
    for (let at = 0; at < jobs; at++) claims.push(await claim(hosts[at % 2] as FileQueue));
    expect(new Set(claims.map(({ job }) => job.number)).size).toBe(jobs);
    const lost = hosts.reduce((sum, { claims: { lost, busy } }) => sum + lost + busy, 0);
    expect(lost).toBeLessThan(jobs / 5);
  });

  it('whoever looks on can tell who is present without anybody noticing', async () => {
    const path = runsFile('. a\n. b\n');
    const { queue } = openAsOverNetwork(path);
    const [a] = [await claim(queue), await claim(queue)];
    const other = openAsOverNetwork(path).queue;
    expect(await holdersOf(other)).toEqual(['present', 'present']);
    expect(await reclaimAtOnce(await openRuns(path))).toEqual([]);
    await a.finish({ state: 'd' });
    expect(await holdersOf(other)).toEqual([undefined, 'present']);
    const [looker, comer] = await Promise.all([recordDriver('network').open(path, 'change'), recordDriver('network').open(path, 'change')]);
    expect(await looker.isFree(1, 1)).toBe(true);
    expect(await comer.tryLock('exclusive', 1, 1)).toBe(true);
    expect(await looker.isFree(1, 1)).toBe(false);
    await Promise.all([looker.close(), comer.close()]);
  });

  it('a server that does not answer while states are flushed is asked again', async () => {
    let isAway = false;
    const driver = new HookedDriver(recordDriver('network'), ({ call, access }) => {
      if (!isAway || call !== 'open' || access !== 'look') return;
      isAway = false;
      throw systemError('EIO');
    });
    const queue = new FileQueue(runsFile('. a\n'), driver);
    await (await claim(queue)).finish({ state: 'd' });
    isAway = true;
    await queue.close();
    expect(isAway).toBe(false);
  });
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>(done => {
    resolve = done;
  });
  return { promise, resolve };
}

/** As if the server had restarted and no longer knew of any lock of a claim's. A length of 0 reaches to the end of all offsets. */
const forget = (taken: Claim): void => recordLocks().unlock(taken.presence as number, 0, 0);

describe('locks that a server has forgotten', () => {
  it('are taken anew, and until then nobody takes the job for an orphan; a real orphan is set back', {
    tags: ['long'],
    timeout: 30_000,
  }, async () => {
    const path = runsFile('. a\nr b\n');
    const taken = await claim(openAsOverNetwork(path).queue);
    const observer = await openRuns(path);
    forget(taken);
    expect(await holdersOf(observer)).toEqual(['absent', 'absent']);
    const { queue } = openAsOverNetwork(path);
    expect(await queue.reclaim()).toEqual([]);
    await setTimeout(queue.capabilities.presenceReturns);
    expect((await queue.reclaim()).map(job => job.number)).toEqual([2]);
    expect(await holdersOf(observer)).toEqual(['present', undefined]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it("are not taken beside those of somebody who has the job by now: it is that one's result that counts", {
    tags: ['long'],
    timeout: 30_000,
  }, async () => {
    const path = runsFile('. a\n');
    const taken = await claim(openAsOverNetwork(path).queue);
    forget(taken);
    const other = await openRuns(path);
    await reclaimAtOnce(other);
    const theirs = await claim(other);
    // Until it was looked after our presence at least once.
    await setTimeout(6000);
    expect(await theirs.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(await taken.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
  });

  it('do not make a runner stand still that may reclaim, nor leave before orphans are known to be orphans', {
    tags: ['long'],
    timeout: 40_000,
  }, async () => {
    const path = runsFile('. echo a\nr echo b\n');
    const starts: number[] = [];
    const began = performance.now();
    const note: Listener = event => void (event.type === 'started' && starts.push(performance.now() - began));
    const { queue, requests } = openAsOverNetwork(path);
    const runner = new Runner(queue, { reclaim: true, listeners: [note] });
    expect(await runner.run()).toMatchObject({ succeeded: 2 });
    expect(starts[0]).toBeLessThan(4000);
    expect(starts[1]).toBeGreaterThan(12_000);
    // It looks now and then, and not as fast as it can.
    expect(requests.length).toBeLessThan(1000);
  });

  it('are not taken for presence when somebody just looks at an orphan', async () => {
    const path = runsFile('r a\n');
    const { queue } = openAsOverNetwork(path);
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    expect(await queue.reclaim()).toEqual([]);
    vi.advanceTimersByTime(queue.capabilities.presenceReturns as number);
    const looker = await recordDriver('network').open(path, 'change');
    expect(await looker.tryLock('exclusive', 1, 1)).toBe(true);
    const looked = setTimeout(300).then(() => looker.close());
    expect(await queue.reclaim()).toHaveLength(1);
    await looked;
  });

  it('keep nobody who looks for orphans from leaving when told to', async () => {
    let isAway = false;
    const { queue } = openAsOverNetwork(runsFile('r a\n'), ({ call, access }) => {
      if (isAway && call === 'open' && access === 'change') throw systemError('EIO');
    });
    const runner = new Runner(queue, { reclaim: true, watch: true });
    isAway = true;
    const running = runner.run();
    await setTimeout(500);
    const told = performance.now();
    runner.interrupt();
    await running;
    expect(performance.now() - told).toBeLessThan(3000);
  }, 30_000);
});

/** Has the clocks of this process run twenty times as fast, but for the timers, which belong to nobody else. */
function hasteTime(): void {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const ticking = setInterval(() => vi.advanceTimersByTime(1000), 50);
  onTestFinished(() => {
    clearInterval(ticking);
    vi.useRealTimers();
  });
}

describe('a lost lease', () => {
  it('does not make us take our own job for an orphan, while all others do', async () => {
    const path = runsFile('. a\n');
    const { queue, driver } = openAsOverNetwork(path);
    const taken = await claim(queue);
    await driver.loseLease();
    expect(await holdersOf(await openRuns(path))).toEqual(['absent']);
    expect(await holdersOf(queue)).toEqual(['present']);
    expect(await queue.reclaim()).toEqual([]);
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });

  it('does not let us write our result over the job of whoever runs the line by now', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n');
    const { queue, driver } = openAsOverNetwork(path);
    const taken = await claim(queue);
    await driver.loseLease();
    const other = await openRuns(path);
    await reclaimAtOnce(other);
    const theirs = await claim(other);
    const ours = taken.finish({ state: '!' });
    // While we look for our line again nobody is made to believe that we have taken it back.
    await setTimeout(1500);
    expect(await theirs.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(await ours).toMatchObject({ kind: 'refused' });
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });

  it('nor take what others wrote for ours, when it went while our result was on its way', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n');
    const other = await openRuns(path);
    let isWriting = false;
    const { queue, driver } = openAsOverNetwork(path, async ({ call }) => {
      if (call !== 'write' || !isWriting) return;
      isWriting = false;
      await driver.loseLease();
      await reclaimAtOnce(other);
      await (await claim(other)).finish({ state: 'd' });
      throw systemError('EIO');
    });
    const taken = await claim(queue);
    isWriting = true;
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused', reason: expect.stringContaining('"d"') });
  });

  it('nor run a job that somebody else has taken while the server was silent in the midst of a claim', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n');
    const other = await openRuns(path);
    let theirs: Claim | undefined;
    const { queue, driver } = openAsOverNetwork(path, async ({ call, kind }) => {
      // The state is written, and presence is about to be shared.
      if (call !== 'tryLock' || kind !== 'shared' || readFileSync(path, 'latin1') !== 'r a\n' || theirs) return;
      await driver.loseLease();
      vi.advanceTimersByTime(20_000);
      await reclaimAtOnce(other);
      theirs = await claim(other);
    });
    hasteTime();
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
    expect(await (theirs as unknown as Claim).finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('nor run it because somebody is at the line at that moment', async () => {
    const path = runsFile('. a\n');
    const other = await openRuns(path);
    const away = withResolvers();
    const isWriting = withResolvers();
    const bob = openAsOverNetwork(path, async ({ call }) => {
      if (call !== 'write') return;
      isWriting.resolve();
      await away.promise;
    });
    let bobs: Promise<ClaimResult> | undefined;
    const { queue, driver } = openAsOverNetwork(path, async ({ call, kind }) => {
      if (call !== 'tryLock' || kind !== 'shared' || readFileSync(path, 'latin1') !== 'r a\n' || bobs) return;
      await driver.loseLease();
      vi.advanceTimersByTime(20_000);
      await reclaimAtOnce(other);
      bobs = bob.queue.claim({});
      await isWriting.promise;
      void setTimeout(500).then(away.resolve);
    });
    hasteTime();
    expect(await queue.claim({})).not.toMatchObject({ kind: 'claimed' });
    expect(await bobs).toMatchObject({ kind: 'claimed' });
  });

  it('nor stand in the way of who has it when we come back', { tags: ['long'], timeout: 40_000 }, async () => {
    const path = runsFile('. a\n. b\n. c\n');
    let pause = 0;
    const { queue, driver } = openAsOverNetwork(path, () => (pause > 0 ? setTimeout(pause) : undefined));
    const ours = [await claim(queue), await claim(queue), await claim(queue)];
    await driver.loseLease();
    const other = await openRuns(path);
    await reclaimAtOnce(other);
    const theirs = [await claim(other), await claim(other), await claim(other)];
    pause = 60;
    // In the midst of looking after our presence, which takes a while.
    await setTimeout(5600);
    expect(await Promise.all(theirs.map(taken => taken.finish({ state: 'd' })))).toEqual(Array(3).fill({ kind: 'recorded' }));
    pause = 0;
    for (const taken of ours) expect(await taken.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
  });

  it('nor when the locks went and nothing else told us', { tags: ['slow'] }, async () => {
    const path = runsFile('. a\n');
    const { queue } = openAsOverNetwork(path);
    const taken = await claim(queue);
    forget(taken);
    const other = await openRuns(path);
    await reclaimAtOnce(other);
    const theirs = await claim(other);
    expect(await taken.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
    expect(await theirs.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });
});

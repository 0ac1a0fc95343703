import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileQueue } from '../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../src/queue/file/locks/record.js';
import type { Claim } from '../../../src/queue/queue.js';
import { recordLocks } from '../../../src/system/record-lock.js';
import { type Hook, HookedDriver, type LockRequest, systemError } from '../../support/hooked-locks.js';
import { claim, holdersOf, openRuns } from '../../support/queues.js';
import { runsFile } from '../../support/temporary.js';

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
      ...['open', 'tryLock exclusive', 'facts', 'isAt', 'read', 'write'],
      // The separator is shared from now on, and the state is everybody's again.
      ...['tryLock shared', 'unlock'],
    ]);
    requests.length = 0;
    await taken.finish('d');
    expect(asked(requests)).toEqual(['tryLock exclusive', 'isAt', 'read', 'write', 'unlock']);
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
    expect(await other.reclaim()).toEqual([]);
    await a.finish('d');
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
    await (await claim(queue)).finish('d');
    isAway = true;
    await queue.close();
    expect(isAway).toBe(false);
  });
});

describe('locks that a server has forgotten', () => {
  it('are taken anew, and until then nobody takes the job for an orphan; a real orphan is set back', async () => {
    const path = runsFile('. a\nr b\n');
    const taken = await claim(openAsOverNetwork(path).queue);
    const observer = await openRuns(path);
    // A length of 0 reaches to the end of all offsets.
    recordLocks().unlock(taken.presence as number, 0, 0);
    expect(await holdersOf(observer)).toEqual(['absent', 'absent']);
    const told: string[] = [];
    const { queue } = openAsOverNetwork(path);
    const reclaimed = await queue.reclaim({ tell: notice => notice.kind === 'news' && told.push(notice.message) });
    expect(told).toEqual(['2 jobs seem to be orphaned; looking again in 13 s']);
    expect(reclaimed.map(job => job.number)).toEqual([2]);
    expect(await holdersOf(observer)).toEqual(['present', undefined]);
    expect(await taken.finish('d')).toEqual({ kind: 'recorded' });
  }, 30_000);

  it('are not waited for by who is told to stop', async () => {
    const { queue } = openAsOverNetwork(runsFile('r a\n'));
    const stop = new AbortController();
    const reclaiming = queue.reclaim({ signal: stop.signal, tell: () => stop.abort() });
    await expect(reclaiming).rejects.toMatchObject({ name: 'AbortError' });
    expect(await holdersOf(queue)).toEqual(['absent']);
  });
});

describe('a lost lease', () => {
  it('does not make us take our own job for an orphan, while all others do', async () => {
    const path = runsFile('. a\n');
    const { queue, driver } = openAsOverNetwork(path);
    const taken = await claim(queue);
    await driver.loseLease();
    expect(await holdersOf(await openRuns(path))).toEqual(['absent']);
    expect(await holdersOf(queue)).toEqual(['present']);
    expect(await queue.reclaim()).toEqual([]);
    expect(await taken.finish('d')).toEqual({ kind: 'recorded' });
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });

  it('does not let us write our result over the job of whoever runs the line by now', async () => {
    const path = runsFile('. a\n');
    const { queue, driver } = openAsOverNetwork(path);
    const taken = await claim(queue);
    await driver.loseLease();
    const other = await openRuns(path);
    await other.reclaim();
    const theirs = await claim(other);
    const ours = taken.finish('!');
    // While we look for our line again nobody is made to believe that we have taken it back.
    await setTimeout(1500);
    expect(await theirs.finish('d')).toEqual({ kind: 'recorded' });
    expect(await ours).toMatchObject({ kind: 'refused' });
    expect(readFileSync(path, 'utf8')).toBe('d a\n');
  });

  it('nor take what others wrote for ours, when it went while our result was on its way', async () => {
    const path = runsFile('. a\n');
    const other = await openRuns(path);
    let isWriting = false;
    const { queue, driver } = openAsOverNetwork(path, async ({ call }) => {
      if (call !== 'write' || !isWriting) return;
      isWriting = false;
      await driver.loseLease();
      await other.reclaim();
      await (await claim(other)).finish('d');
      throw systemError('EIO');
    });
    const taken = await claim(queue);
    isWriting = true;
    expect(await taken.finish('d')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('"d"') });
  });

  it('nor run a job that somebody else has taken while the server was silent in the midst of a claim', async () => {
    const path = runsFile('. a\n');
    const other = await openRuns(path);
    let theirs: Claim | undefined;
    const { queue, driver } = openAsOverNetwork(path, async ({ call, kind }) => {
      // The state is written, and presence is about to be shared.
      if (call !== 'tryLock' || kind !== 'shared' || readFileSync(path, 'latin1') !== 'r a\n' || theirs) return;
      await driver.loseLease();
      vi.advanceTimersByTime(20_000);
      await other.reclaim();
      theirs = await claim(other);
    });
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
    expect(await (theirs as unknown as Claim).finish('d')).toEqual({ kind: 'recorded' });
  });

  it('nor when the locks went and nothing else told us', async () => {
    const path = runsFile('. a\n');
    const { queue } = openAsOverNetwork(path);
    const taken = await claim(queue);
    // A length of 0 reaches to the end of all offsets.
    recordLocks().unlock(taken.presence as number, 0, 0);
    const other = await openRuns(path);
    await other.reclaim();
    const theirs = await claim(other);
    expect(await taken.finish('!')).toMatchObject({ kind: 'refused' });
    expect(await theirs.finish('d')).toEqual({ kind: 'recorded' });
  });
});

import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { scan } from '../../../../src/queue/file/reading/scan.js';
import { UnfinishedLine } from '../../../../src/queue/file/reading/unfinished-line.js';
import type { QueueNotice } from '../../../../src/queue/queue.js';
import { Runner } from '../../../../src/run/runner.js';
import { hostClock } from '../../../../src/system/host-clock.js';
import { isOpenAfter } from '../../../support/eventually.js';
import { HookedDriver } from '../../../support/hooked-locks.js';
import { claim, longAfter, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

const command = async (claimed: ReturnType<typeof claim>): Promise<string> => (await claimed).job.command.toString();

/** A handle to a runs file that counts how often somebody looks at it: who waits looks again and again. */
function openCounted(path: string): { queue: FileQueue; looks(): number } {
  let looks = 0;
  const driver = new HookedDriver(recordDriver('local'), ({ call, access }) => {
    if (call === 'open' && access === 'look') looks++;
  });
  const queue = new FileQueue(path, driver);
  onTestFinished(() => queue.close());
  return { queue, looks: () => looks };
}

/** Looks of somebody who does not wait. */
const FEW = 3;

describe('a last line without its line end', () => {
  it('is a job, when nothing has been written to the file lately', async () => {
    const { queue, looks } = openCounted(runsFile('. echo a'));
    expect(await longAfter(() => command(claim(queue)))).toBe('echo a');
    expect(looks()).toBeLessThanOrEqual(FEW);
  });

  it('is a job once it has stayed as it is for two seconds', { tags: ['slow'] }, async () => {
    const queue = await openRuns(runsFile('. echo a'));
    const began = performance.now();
    expect(await command(claim(queue))).toBe('echo a');
    expect(performance.now() - began).toBeGreaterThan(1800);
  });

  it('is no older for a clock that is set forward', { tags: ['slow'] }, async () => {
    const queue = await openRuns(runsFile('. echo a'));
    const { now } = Date;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000);
    onTestFinished(() => clock.mockRestore());
    const began = performance.now();
    expect(await command(claim(queue))).toBe('echo a');
    expect(performance.now() - began).toBeGreaterThan(1800);
  });

  it('is claimed whole when its writer goes on with it', async () => {
    const path = runsFile('d before\n. echo hel');
    const claimed = claim(await openRuns(path));
    for (const part of ['l', 'o >ou', 't\n']) {
      expect(await isOpenAfter(claimed, 100)).toBe(true);
      appendFileSync(path, part);
    }
    expect(await command(claimed)).toBe('echo hello >out');
  });

  it('is claimed whole when its writer goes on just as it is claimed', { tags: ['slow'] }, async () => {
    const path = runsFile('. echo hel');
    let grown = false;
    const driver = new HookedDriver(recordDriver('local'), ({ kind }) => {
      if (grown || kind !== 'exclusive') return;
      grown = true;
      appendFileSync(path, 'lo\n');
    });
    const queue = new FileQueue(path, driver);
    onTestFinished(() => queue.close());
    expect(await command(claim(queue))).toBe('echo hello');
  });

  it('is left alone for longer when it is cut where the buffer of its writer was full', { tags: ['slow'] }, async () => {
    const path = runsFile('');
    const queue = await openRuns(path);
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
    const text = `${'d before\n'.repeat(454)}. echo hello >out\n`;
    const buffer = 4096;
    appendFileSync(path, text.slice(0, buffer));
    expect(readFileSync(path, 'utf8')).toMatch(/\n\. echo hel$/);
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    await setTimeout(2500);
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    const seen = queue.seen;
    appendFileSync(path, text.slice(buffer));
    await queue.changed(AbortSignal.timeout(10_000), seen);
    expect(await command(claim(queue))).toBe('echo hello >out');
  });

  it('keeps nobody from the lines above it', async () => {
    const { queue, looks } = openCounted(runsFile('. a\n. b\n. c'));
    expect([await command(claim(queue)), await command(claim(queue))]).toEqual(['a', 'b']);
    expect(looks()).toBeLessThanOrEqual(FEW);
  });

  it('is not forgotten while the states of other lines change all the time', { tags: ['slow'] }, async () => {
    const path = runsFile(`${'. a\n'.repeat(20)}. last`);
    const [queue, other] = [await openRuns(path), await openRuns(path)];
    await other.set({ lines: [{ from: 1, to: 20 }] }, '-');
    const last = claim(queue);
    let claimed = false;
    void last.finally(() => {
      claimed = true;
    });
    for (let at = 0; !claimed; at++) {
      await other.set({ lines: [{ from: 1, to: 1 }] }, at % 2 === 0 ? 'd' : '-');
      await setTimeout(50);
    }
    expect(await command(last)).toBe('last');
  });

  it('is told to be unusable only when it is known what it says', { tags: ['slow'] }, async () => {
    const path = runsFile('. true #: cpus=1 mem');
    const queue = await openRuns(path);
    const notices: QueueNotice[] = [];
    const claimed = queue.claim({ tell: notice => notices.push(notice) });
    await setTimeout(500);
    appendFileSync(path, '=1G\n');
    expect(await claimed).toMatchObject({ kind: 'claimed' });
    expect(notices).toEqual([]);
    appendFileSync(path, '. true #: mem');
    expect(await queue.claim({ tell: notice => notices.push(notice) })).toEqual({ kind: 'exhausted' });
    expect(notices).toMatchObject([{ kind: 'unusable', line: 2 }]);
  });

  it('is waited for by nobody who would not run it', async () => {
    const { queue, looks } = openCounted(runsFile('d a\n! b'));
    expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
    expect(looks()).toBeLessThanOrEqual(FEW);
  });
});

it('lines that come in pieces are all run, and each as a whole', { tags: ['slow'] }, async () => {
  const path = runsFile('');
  const queue = await openRuns(path);
  const commands: string[] = [];
  const runner = new Runner(queue, {
    watch: true,
    listeners: [event => void (event.type === 'claimed' && commands.push(event.job.command.toString()))],
  });
  const summary = runner.run();
  onTestFinished(() => runner.kill());
  const wanted = Array.from({ length: 60 }, (_, at) => `true command-number-${at}`);
  const text = wanted.map(line => `. ${line}\n`).join('');
  const piece = 50;
  for (let at = 0; at < text.length; at += piece) {
    appendFileSync(path, text.slice(at, at + piece));
    await setTimeout(150);
  }
  await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe(text.replaceAll(/^\./gm, 'd')), 10_000);
  runner.drain();
  await summary;
  expect(commands).toEqual(wanted);
});

describe('whether a last line may still grow', () => {
  it('is told by the times of the file where these are by the same clock', async () => {
    const content = 'd a\n. b';
    const file = await recordDriver('local').open(runsFile(content), 'look');
    const found = await scan(file, content.length);
    await file.close();
    const now = 1_700_000_000_123;
    vi.spyOn(hostClock, 'now').mockReturnValue(now);
    onTestFinished(() => void vi.restoreAllMocks());
    const at = (age: number, isOurClock = true): number => {
      const end = new UnfinishedLine(isOurClock);
      end.note(found, { identity: '1:1', touched: now - age });
      return end.left;
    };
    expect([at(1999), at(2000)]).toEqual([1, 0]);
    expect(at(3_600_000, false)).toBeGreaterThan(1000);
    // Times in whole seconds may be those of a filesystem that knows no others.
    expect([at(3123), at(4123)]).toEqual([877, 0]);
  });
});

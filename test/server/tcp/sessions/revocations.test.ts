import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandDigest } from '../../../../src/job/command-digest.js';
import { placeOf } from '../../../../src/server/tcp/sessions/place.js';
import { Revocations } from '../../../../src/server/tcp/sessions/revocations.js';
import { RevocationsFile } from '../../../../src/server/tcp/sessions/revocations-file.js';
import { Workbench } from '../../../support/bench.js';
import { KeptLog } from '../../../support/tcp-queue.js';

const DAY = 24 * 3600 * 1000;
const place = (offset: number): string => placeOf({ offset, print: commandDigest(Buffer.from('a')) });
const [ONE, TWO] = [place(0), place(4)];

/** A server's revocations, kept in a file of this bench. */
function kept(bench: Workbench, now: () => number = Date.now): Revocations {
  return new Revocations(new KeptLog(), new RevocationsFile(bench.path('revoked'), now), now);
}

describe('claims taken from their clients', () => {
  it('are revoked if they were granted earlier, and only at their line', async () => {
    const revocations = new Revocations(new KeptLog());
    const before = revocations.fence;
    await revocations.add([ONE]);
    const after = revocations.fence;
    expect([revocations.includes(ONE, before), revocations.includes(ONE, after), revocations.includes(TWO, before)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('stay revoked for a restarted server, and later claims of the same line stay valid', async () => {
    const bench = new Workbench('');
    const first = kept(bench);
    const early = first.fence;
    await first.add([ONE]);
    const late = first.fence;
    const second = kept(bench);
    expect([second.includes(ONE, early), second.includes(ONE, late), second.includes(TWO, early)]).toEqual([true, false, false]);
    await second.add([ONE, TWO]);
    const third = kept(bench);
    expect([third.includes(ONE, late), third.includes(TWO, early), third.includes(ONE, third.fence)]).toEqual([true, true, false]);
  });

  it('have growing fences, even when the clock goes back', async () => {
    const bench = new Workbench('');
    let now = Date.now();
    const revocations = kept(bench, () => now);
    const before = revocations.fence;
    now -= DAY;
    await revocations.add([ONE]);
    expect(revocations.includes(ONE, before)).toBe(true);
    expect(kept(bench, () => now).fence).toBe(revocations.fence);
  });

  it('are dropped from the file after 30 days, and the file with the last of them', async () => {
    const bench = new Workbench('');
    let now = Date.now() - 20 * DAY;
    const first = kept(bench, () => now);
    const fence = first.fence - 1;
    await first.add([ONE]);
    now += 20 * DAY;
    await kept(bench, () => now).add([TWO]);
    expect(readFileSync(bench.path('revoked'), 'utf8').trimEnd().split('\n')).toHaveLength(2);
    now += 20 * DAY;
    expect(kept(bench, () => now).includes(ONE, fence)).toBe(false);
    expect(readFileSync(bench.path('revoked'), 'utf8').trimEnd().split('\n')).toHaveLength(1);
    now += 20 * DAY;
    kept(bench, () => now);
    expect(existsSync(bench.path('revoked'))).toBe(false);
  });

  it('are read as far as complete, and appended on a separate line', async () => {
    const bench = new Workbench('');
    const first = kept(bench);
    const fence = first.fence;
    await first.add([ONE]);
    await first.add([TWO]);
    const text = readFileSync(bench.path('revoked'), 'utf8');
    for (const cut of [1, 2, 30]) {
      writeFileSync(bench.path('revoked'), text.slice(0, -cut));
      const second = kept(bench);
      // Without its line feed a line is complete.
      expect([second.includes(ONE, fence), second.includes(TWO, fence)]).toEqual([true, cut === 1]);
      await second.add([TWO]);
      expect(kept(bench).includes(TWO, fence)).toBe(true);
    }
  });

  it('are kept in a file for its owner only, never through a link; without a file they last until the server exits', async () => {
    const bench = new Workbench('');
    await kept(bench).add([ONE]);
    expect(statSync(bench.path('revoked')).mode & 0o777).toBe(0o600);
    symlinkSync(bench.path('elsewhere'), bench.path('link'));
    const log = new KeptLog();
    const revocations = new Revocations(log, new RevocationsFile(bench.path('link')));
    const fence = revocations.fence;
    await revocations.add([ONE]);
    expect([revocations.includes(ONE, fence), existsSync(bench.path('elsewhere'))]).toEqual([true, false]);
    expect(log.lines).toEqual([expect.stringContaining('late results of jobs that were given up')]);
  });
});

import { appendFileSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { FileView } from '../../../../src/queue/file/reading/file-view.js';
import type { LineIndex } from '../../../../src/queue/file/reading/line-index.js';
import { scan } from '../../../../src/queue/file/reading/scan.js';
import { nextTick, patchFile, replaceFile, rewriteFile } from '../../../support/edit.js';
import { HookedDriver } from '../../../support/hooked-locks.js';
import { anyRunsFile, plainLines } from '../../../support/lines.js';
import { refillable } from '../../../support/local-file.js';
import { runsFile } from '../../../support/temporary.js';

const driver = recordDriver('local');

/** All that decisions are made on. */
function shown(index: LineIndex) {
  return {
    lines: Array.from({ length: index.lineCount }, (_, at) => [index.startOf(at + 1), String.fromCharCode(index.stateAt(at + 1))]),
    end: index.end,
    unended: index.unended,
    barriers: index.barriers,
    directives: [...index.directives],
    problems: [...index.problems],
    dependents: index.dependents,
    prioritised: index.prioritised,
    firstNew: index.firstNew,
    firstUndone: index.firstUndone,
  };
}

/** What a view should show: the file as it is now. */
async function fresh(path: string) {
  const file = await driver.open(path, 'look');
  try {
    return shown(await scan(file, (await file.facts()).size));
  } finally {
    await file.close();
  }
}

/** A view that has looked once, at a time that no later change can be mistaken for. */
async function viewOf(path: string): Promise<FileView> {
  const view = new FileView(path, driver);
  await view.look();
  await nextTick(path);
  return view;
}

/** Something that happens to a runs file between two looks. */
interface Edit {
  readonly how: string;
  apply(path: string, view: FileView): void;
}

const jobOf = (bytes: Buffer, which: number) => {
  const jobs = plainLines(bytes).filter(line => line.state !== 0);
  return jobs.length === 0 ? undefined : jobs[which % jobs.length];
};

const state = fc.constantFrom(...'.rd!e-');

/** What runners do, all day long, and what leaves a trace in the file's size or identity. */
const anyChange: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ which: fc.nat(50), state }).map(({ which, state }) => ({
    how: `state ${state} by others`,
    apply(path: string) {
      const job = jobOf(readFileSync(path), which);
      if (job) patchFile(path, job.start, state);
    },
  })),
  fc.record({ which: fc.nat(50), state }).map(({ which, state }) => ({
    how: `state ${state} by us`,
    apply(path: string, view: FileView) {
      const job = jobOf(readFileSync(path), which);
      if (!job) return;
      patchFile(path, job.start, state);
      view.note(job.start, state.charCodeAt(0));
    },
  })),
  anyRunsFile({ maxLength: 4 }).map(bytes => ({ how: `append ${bytes}`, apply: (path: string) => appendFileSync(path, bytes) })),
  anyRunsFile({ maxLength: 8 }).map(bytes => ({ how: `replace by ${bytes}`, apply: (path: string) => replaceFile(path, bytes) })),
);

/** What an editor does in place; the file may be as long as before. */
const anyRewriting: fc.Arbitrary<Edit> = fc.oneof(
  anyRunsFile({ maxLength: 8 }).map(bytes => ({ how: `rewrite as ${bytes}`, apply: (path: string) => rewriteFile(path, bytes) })),
  fc.nat(100).map(percent => ({
    how: `shrink to ${percent} %`,
    apply: (path: string) => truncateSync(path, Math.floor((readFileSync(path).length * percent) / 100)),
  })),
  fc.tuple(fc.nat(), fc.constantFrom('\n', '#', '---', ' ', '=2', 'r')).map(([place, bytes]) => ({
    how: `write ${JSON.stringify(bytes)} somewhere`,
    apply(path: string) {
      const { length } = readFileSync(path);
      if (length >= bytes.length) patchFile(path, place % (length - bytes.length + 1), bytes);
    },
  })),
  fc.tuple(fc.nat(), fc.nat()).map(([one, other]) => ({
    how: `swap lines ${one} and ${other}`,
    apply(path: string) {
      const lines = readFileSync(path, 'latin1').split(/(?<=\n)/);
      const [a, b] = [one % lines.length, other % lines.length];
      [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
      rewriteFile(path, Buffer.from(lines.join(''), 'latin1'));
    },
  })),
);

/** Lets these things happen, a few at a time, and looks after each few. */
function aViewKeepsUpWith(edit: fc.Arbitrary<Edit>, numRuns: number): Promise<void> {
  const fill = refillable();
  const rounds = fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { maxLength: 4 });
  const property = fc.asyncProperty(anyRunsFile({ maxLength: 12 }), rounds, async (bytes, rounds) => {
    const path = fill(bytes);
    const view = await viewOf(path);
    for (const edits of rounds) {
      for (const edit of edits) edit.apply(path, view);
      await view.look();
      expect(shown(await view.index())).toEqual(await fresh(path));
      await nextTick(path);
    }
  });
  return Promise.resolve(fc.assert(property, { numRuns }));
}

describe('a view', () => {
  it('shows after a look what stands in the file, whatever runners and users have done since the last one', async () => {
    await aViewKeepsUpWith(anyChange, 60);
  });

  it('shows it also when somebody edits the file in place, and it stays as long as it was', { tags: ['slow'] }, async () => {
    await aViewKeepsUpWith(fc.oneof(anyChange, anyRewriting), 100);
  });

  it('says that something has changed, and that nothing has', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    patchFile(path, 4, 'r');
    expect(await view.look()).toBe(true);
    expect(await view.look()).toBe(false);
    expect(await view.look()).toBe(false);
  });

  it('does not call a state news that we have written ourselves', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    patchFile(path, 4, 'r');
    view.note(4, 'r'.charCodeAt(0));
    expect(await view.look()).toBe(false);
    expect((await view.index()).stateAt(2)).toBe('r'.charCodeAt(0));
  });

  it('sees what others have written among that', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    patchFile(path, 4, 'r');
    view.note(4, 'r'.charCodeAt(0));
    patchFile(path, 0, 'd');
    expect(await view.look()).toBe(true);
    expect((await view.index()).stateAt(1)).toBe('d'.charCodeAt(0));
  });

  it('sees that a state which we wrote was taken back, although the file is byte for byte as at the last look', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    // The first look that reads everything again is the one that later ones compare with.
    await view.look();
    patchFile(path, 4, 'd');
    view.note(4, 'd'.charCodeAt(0));
    await nextTick(path);
    patchFile(path, 4, '.');
    expect(await view.look()).toBe(true);
    expect((await view.index()).stateAt(2)).toBe('.'.charCodeAt(0));
  });

  it('trusts a modification time that was long past when the file was read', async () => {
    const path = runsFile('. a\n. b\n');
    const past = Math.floor(Date.now() / 1000) - 10;
    utimesSync(path, past, past);
    const view = new FileView(path, driver);
    await view.look();
    // Nothing but a forged time can hide a change then.
    patchFile(path, 0, 'd');
    utimesSync(path, past, past);
    expect(await view.look()).toBe(false);
    utimesSync(path, past + 1, past + 1);
    expect(await view.look()).toBe(true);
  });

  it('does not trust a modification time that may still be that of the next change: the kernel times files by ticks', async () => {
    const path = runsFile('. a\n. b\n');
    const tick = Math.floor(Date.now() / 1000);
    utimesSync(path, tick, tick);
    const view = new FileView(path, driver);
    await view.look();
    patchFile(path, 0, 'd');
    utimesSync(path, tick, tick);
    expect(await view.look()).toBe(true);
    expect((await view.index()).stateAt(1)).toBe('d'.charCodeAt(0));
  });

  it.each<[string, string, string]>([
    ['a line', '. a\n. b\n', '. a\n. b\n. c\n'],
    ['the rest of the last line', '. a\n. b', '. a\n. b and more\n'],
  ])('sees that %s was appended, and that line numbers mean what they meant', async (_, before, after) => {
    const path = runsFile(before);
    const view = await viewOf(path);
    appendFileSync(path, after.slice(before.length));
    expect(await view.look()).toBe(true);
    expect(shown(await view.index())).toEqual(await fresh(path));
  });

  it.each<[string, string, string]>([
    ['a line was split in two', '. a; echo b\n. c\n', '. a\n. cho b\n. c\n'],
    ['two lines were joined', '. a\n. b\n. c\n', '. a ; b\n. c\n'],
    ['a priority was changed', '. a #: priority=1\n', '. a #: priority=2\n'],
    ['a barrier became a comment', '. a\n---\n. b\n', '. a\n###\n. b\n'],
    ['a job became a comment', '. a\n. b\n', '. a\n# b\n'],
  ])('sees that %s in place, though the file is as long as before', async (_, before, after) => {
    const path = runsFile(before);
    const view = await viewOf(path);
    rewriteFile(path, after.padEnd(before.length, '\n').slice(0, before.length));
    expect(await view.look()).toBe(true);
    expect(shown(await view.index())).toEqual(await fresh(path));
  });

  it('sees an edit of that kind also when we have written states meanwhile', async () => {
    const path = runsFile('. a\n---\n. b\n');
    const view = await viewOf(path);
    patchFile(path, 0, 'd');
    view.note(0, 'd'.charCodeAt(0));
    patchFile(path, 4, '###');
    await view.look();
    expect((await view.index()).barriers).toEqual([]);
  });

  it('sees it also when we had written states before the last look', async () => {
    const path = runsFile('. a\n---\n. b\n');
    const view = await viewOf(path);
    patchFile(path, 0, 'd');
    view.note(0, 'd'.charCodeAt(0));
    appendFileSync(path, '. c\n');
    await view.look();
    await nextTick(path);
    patchFile(path, 4, '###');
    expect(await view.look()).toBe(true);
    expect((await view.index()).barriers).toEqual([]);
  });

  it('sees it also when others have written states meanwhile', async () => {
    const path = runsFile('. a\n. b #: after=1\n. c\n');
    const view = await viewOf(path);
    patchFile(path, 0, 'd a\n. b #: after=3');
    await view.look();
    expect((await view.index()).dependents).toEqual(new Map([[2, [3]]]));
  });

  it('sees that a line begins where a state stood', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    patchFile(path, 4, '\n');
    await view.look();
    expect(shown(await view.index())).toEqual(await fresh(path));
  });

  it('tells by a new generation that line numbers may mean other lines', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    const { generation } = view;
    patchFile(path, 0, 'd');
    await view.look();
    expect(view.generation).toBe(generation);
    await nextTick(path);
    replaceFile(path, '# a comment\n. a\n. b\n');
    await view.look();
    expect(view.generation).toBeGreaterThan(generation);
  });

  it('looks once for all who ask at the same time', async () => {
    const path = runsFile('. a\n');
    const view = await viewOf(path);
    const looks = [view.look(), view.look(), view.look()];
    expect(new Set(looks).size).toBe(1);
    await Promise.all(looks);
  });

  it('wakes all who rest before their next look when a state is noted', async () => {
    const path = runsFile('. a\n');
    // A look that takes long is followed by a rest of ten times as long.
    const view = new FileView(path, new HookedDriver(driver, ({ call }) => (call === 'open' ? setTimeout(300) : undefined)));
    await view.look();
    const began = performance.now();
    const resting = [view.lookInTurn(), view.lookInTurn(), view.lookInTurn()];
    view.note(0, 'd'.charCodeAt(0));
    expect(await Promise.all(resting)).toEqual([true, true, true]);
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('reads all states again once they are in doubt, whatever the times of the file say', async () => {
    const path = runsFile('. a\n');
    utimesSync(path, 1000, 1000);
    const view = await viewOf(path);
    const { generation } = view;
    writeFileSync(path, 'd a\n');
    utimesSync(path, 1000, 1000);
    expect(await view.look()).toBe(false);
    view.doubt();
    expect(await view.look()).toBe(true);
    expect((await view.index()).stateAt(1)).toBe('d'.charCodeAt(0));
    expect(view.generation).toBe(generation);
  });

  it('reads again what it could read by half only, though the file has not changed since', async () => {
    const path = runsFile('. a\n');
    let fails = false;
    const broken = recordDriver('local');
    const view = new FileView(path, {
      ...broken,
      open: async (...args) => {
        const file = await broken.open(...args);
        const read = file.read.bind(file);
        file.read = (...where) => {
          if (fails) throw Object.assign(new Error('EIO'), { code: 'EIO' });
          return read(...where);
        };
        return file;
      },
    });
    await view.look();
    writeFileSync(path, 'd a\n');
    utimesSync(path, 1000, 1000);
    fails = true;
    await expect(view.look()).rejects.toThrow('EIO');
    fails = false;
    expect(await view.look()).toBe(true);
    expect((await view.index()).stateAt(1)).toBe('d'.charCodeAt(0));
  });

  it('counts as edits all that takes presence away, and neither states nor what is appended', async () => {
    const path = runsFile('. a\n. b\n');
    const view = await viewOf(path);
    const changes: [change: () => void, isEdit: boolean][] = [
      [() => writeFileSync(path, 'r a\n. b\n'), false],
      [() => appendFileSync(path, '. c\n'), false],
      [() => appendFileSync(path, '. d'), false],
      [() => appendFileSync(path, 'd\n'), false],
      [() => writeFileSync(path, '#\nr a\n. b\n. c\n. dd\n'), true],
      [() => writeFileSync(path, '#\nr b\n. a\n. c\n. dd\n'), true],
      [() => replaceFile(path, '#\nr b\n. a\n. c\n. dd\n'), true],
      [() => writeFileSync(path, '#\nr b\n. a\n'), true],
    ];
    for (const [change, isEdit] of changes) {
      const { edits } = view;
      change();
      view.doubt();
      await view.look();
      expect([change.toString(), view.edits > edits]).toEqual([change.toString(), isEdit]);
    }
  });

  it('knows whether an open file is the one that it speaks of, also when that has grown', async () => {
    const path = runsFile('. a\n');
    const view = await viewOf(path);
    const same = await driver.open(path, 'look');
    expect(await view.isLookingAt(same)).toBe(true);
    appendFileSync(path, '. b\n');
    expect(await view.isLookingAt(same)).toBe(true);
    truncateSync(path, 2);
    expect(await view.isLookingAt(same)).toBe(false);
    await same.close();
    replaceFile(path, '. a\n. b\n');
    const other = await driver.open(path, 'look');
    expect(await view.isLookingAt(other)).toBe(false);
    await other.close();
  });

  it('sees a large file again after one state in it was changed, wherever that is', async () => {
    const line = `. ${'x'.repeat(97)}\n`;
    const count = 30_000;
    const path = runsFile(line.repeat(count));
    const view = await viewOf(path);
    for (const number of [1, 10_486, 10_487, 20_972, count]) {
      patchFile(path, (number - 1) * line.length, 'd');
      expect(await view.look()).toBe(true);
      expect((await view.index()).stateAt(number)).toBe('d'.charCodeAt(0));
      await nextTick(path);
    }
    expect((await view.index()).countStates()['.'.charCodeAt(0)]).toBe(count - 5);
  });

  it('finds lines of every length in the same places, block after block', async () => {
    const long = 'x'.repeat(1024 * 1024 + 10);
    const text = `. a\n. ${long}\n. b\n. ${long}${long}\n. c`;
    const path = runsFile(text);
    const view = await viewOf(path);
    patchFile(path, text.length - 3, 'd');
    expect(await view.look()).toBe(true);
    expect(shown(await view.index())).toEqual(await fresh(path));
  });

  it('fails as the system does when the file is gone, and sees it again when it is back', async () => {
    const path = runsFile('. a\n');
    const view = await viewOf(path);
    rmSync(path);
    await expect(view.look()).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(path, '. a\n. b\n');
    expect(await view.look()).toBe(true);
    expect((await view.index()).lineCount).toBe(2);
  });
});

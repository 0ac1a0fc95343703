import { appendFileSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineIndex } from '../../../../src/queue/file/reading/line-index.js';
import { LONGEST_LINE, scan } from '../../../../src/queue/file/reading/scan.js';
import { anyRunsFile, plainLines } from '../../../support/lines.js';
import { openFile, refillable } from '../../../support/local-file.js';
import { runsFile } from '../../../support/temporary.js';

const MEBIBYTE = 1024 * 1024;

async function scanned(path: string): Promise<LineIndex> {
  const file = await openFile(path);
  return await scan(file, (await file.facts()).size);
}

function shown(index: LineIndex) {
  return Array.from({ length: index.lineCount }, (_, at) => ({
    number: at + 1,
    start: index.startOf(at + 1),
    end: index.endOf(at + 1),
    state: index.stateAt(at + 1),
  }));
}

function expected(bytes: Buffer) {
  return plainLines(bytes).map(({ number, start, end, state }) => ({ number, start, end, state }));
}

/** The same comparison for a million lines, in bearable time. */
function expectLines(index: LineIndex, bytes: Buffer): void {
  const wanted = plainLines(bytes);
  expect(index.lineCount).toBe(wanted.length);
  const differing = wanted.find(
    ({ number, start, end, state }) => index.startOf(number) !== start || index.endOf(number) !== end || index.stateAt(number) !== state,
  );
  expect(differing).toBeUndefined();
}

describe('a scan', () => {
  it('finds the lines, states and barriers that a reading line by line finds', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile(), async bytes => {
        const index = await scanned(fill(bytes));
        expect(shown(index)).toEqual(expected(bytes));
        expect(index.end).toBe(bytes.length);
        expect(index.barriers).toEqual(plainLines(bytes).flatMap(line => (line.isBarrier ? [line.number] : [])));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the same in bytes that are no runs file at all', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(399)), async (array, feeds) => {
        const bytes = Buffer.from(array);
        for (const at of feeds) if (at < bytes.length) bytes[at] = 10;
        expect(shown(await scanned(fill(bytes)))).toEqual(expected(bytes));
      }),
    );
  });

  it('finds the lines of a file of several blocks, wherever a block ends', async () => {
    const fill = refillable();
    for (const length of [13, 62, 63, 64, 997]) {
      const line = `. ${'x'.repeat(length)}`;
      const bytes = Buffer.from(`${line}\n`.repeat(Math.ceil((2.5 * MEBIBYTE) / (line.length + 1))));
      expectLines(await scanned(fill(bytes)), bytes);
    }
  });

  it.each([-3, -2, -1, 0, 1, 2, 3])('finds a line that begins %i bytes from the end of a block, with CRLF', async shift => {
    const fill = refillable();
    const bytes = Buffer.concat([
      Buffer.from(`. ${'a'.repeat(MEBIBYTE + shift - 4)}\r\n`),
      Buffer.from('d b\r\n---\r\n! c\r\n'),
      Buffer.from(`. ${'d'.repeat(MEBIBYTE)}\r\ne last`),
    ]);
    const index = await scanned(fill(bytes));
    expect(index.startOf(2)).toBe(MEBIBYTE + shift);
    expect(shown(index)).toEqual(expected(bytes));
    expect(index.barriers).toEqual([3]);
  });

  it.each([1.5, 3, 4.5, 12])('finds a line of %d MiB among short ones', async size => {
    const fill = refillable();
    const bytes = Buffer.from(`. a\n. b\n. ${'x'.repeat(size * MEBIBYTE)}\nd c\n${'. d\n'.repeat(1000)}`);
    expectLines(await scanned(fill(bytes)), bytes);
  });

  it('notes that a line is too long to be run, and finds those after it', async () => {
    const bytes = Buffer.from(`. a\n. ${'x'.repeat(LONGEST_LINE + 5)}\n! c\n# ${'x'.repeat(2 * LONGEST_LINE)}\n. d`);
    const index = await scanned(runsFile(bytes));
    expect(shown(index)).toEqual(expected(bytes));
    expect([...index.problems]).toEqual([
      [2, { column: 1, message: `the line is ${LONGEST_LINE + 8} bytes long; lines of more than ${LONGEST_LINE} bytes are not run` }],
    ]);
  });

  it('reads directives, and notes those that cannot be read, with their column', async () => {
    const index = await scanned(runsFile('. a #: cpus=2\n. b\n. c #: cpus=2\nd d #: color=red\n# e #: cpus=2\n. f #: \n'));
    expect([...index.directives].map(([line, { needs }]) => [line, needs.cpus])).toEqual([
      [1, 2],
      [3, 2],
      [6, undefined],
    ]);
    expect([...index.problems.keys()]).toEqual([4]);
    expect(index.problems.get(4)?.column).toBe(8);
  });

  it('reads directives in any of several blocks', async () => {
    const filler = '. x\n'.repeat(MEBIBYTE / 4 - 1);
    const index = await scanned(runsFile(`. a #: priority=1\n${filler}. b #: priority=2\n${filler}. c #: priority=3`));
    const at = MEBIBYTE / 4 + 1;
    expect([...index.directives].map(([line, { priority }]) => [line, priority])).toEqual([
      [1, 1],
      [at, 2],
      [2 * at - 1, 3],
    ]);
  });

  it('tells lines apart that say different things in the same number of bytes', async () => {
    const index = await scanned(runsFile('. a #: cpus=1\n. a #: cpus=2\n. a #: cpus=1\n'));
    expect([1, 2, 3].map(line => index.directives.get(line)?.needs.cpus)).toEqual([1, 2, 1]);
  });

  it('stops where it was told the file ends, though it has grown since', async () => {
    const path = runsFile('. a\n. b\n');
    const file = await openFile(path);
    const { size } = await file.facts();
    appendFileSync(path, '. c\n');
    expect((await scan(file, size)).lineCount).toBe(2);
  });

  it('stops where the file ends, though it has shrunk since', async () => {
    const path = runsFile('. a\n. b\n. c\n');
    const file = await openFile(path);
    truncateSync(path, 6);
    const index = await scan(file, 12);
    expect([index.lineCount, index.end]).toEqual([2, 6]);
  });

  it('of nothing finds nothing', async () => {
    const index = await scanned(runsFile(''));
    expect([index.lineCount, index.end, index.lineAround(0)]).toEqual([0, 0, 0]);
  });
});

describe('an index', () => {
  it('counts jobs as a count from the first line on does', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile(), async bytes => {
        const index = await scanned(fill(bytes));
        let jobs = 0;
        for (const { number, state } of plainLines(bytes)) if (state !== 0) expect(index.ordinalOf(number)).toBe(++jobs);
      }),
    );
  });

  it('counts jobs over thousands of lines, some of which are none', async () => {
    const bytes = Buffer.from('. a\n# no\n. b\n'.repeat(3000));
    const index = await scanned(runsFile(bytes));
    expect([index.ordinalOf(1), index.ordinalOf(3), index.ordinalOf(4), index.ordinalOf(8998), index.ordinalOf(9000)]).toEqual([
      1, 2, 3, 5999, 6000,
    ]);
  });

  it('finds the line of any byte', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile({ maxLength: 12 }), async bytes => {
        const index = await scanned(fill(bytes));
        for (const { number, start, end } of plainLines(bytes)) {
          for (const offset of [start, end - 1]) expect(index.lineAround(offset)).toBe(number);
        }
      }),
    );
  });

  it('knows the first new line and the first undone one, whatever is set to what', async () => {
    const fill = refillable();
    const change = fc.tuple(fc.nat(19), fc.constantFrom(...'.rd!e-'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...'.rd#'), { minLength: 20, maxLength: 20 }),
        fc.array(change),
        async (states, changes) => {
          const index = await scanned(fill(Buffer.from(states.map(state => `${state} a\n`).join(''))));
          const now = [...states];
          for (const [at, state] of changes) {
            if (now[at] === '#') continue;
            now[at] = state;
            index.setState(at + 1, state.charCodeAt(0));
            const first = (wanted: (state: string) => boolean): number => now.findIndex(wanted) + 1 || 21;
            expect(index.firstNew).toBe(first(one => one === '.'));
            expect(index.firstUndone).toBe(first(one => one !== 'd' && one !== '#'));
          }
        },
      ),
    );
  });
});

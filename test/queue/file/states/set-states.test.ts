import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobMatcher, type Selection } from '../../../../src/job/selection.js';
import { rewriteFile } from '../../../support/edit.js';
import { anyRunsFile, plainLines } from '../../../support/lines.js';
import { refillable } from '../../../support/local-file.js';
import { lockElsewhere } from '../../../support/other-locks.js';
import { claim, jobsOf, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

const anySelection: fc.Arbitrary<Selection> = fc.oneof(
  fc.constant({}),
  fc.record({ lines: fc.array(fc.record({ from: fc.integer({ min: 1, max: 60 }) }), { minLength: 1, maxLength: 2 }) }),
  fc.record({ states: fc.subarray(['.', 'r', 'd', '!', 'e', '-', 'x'], { minLength: 1 }) }),
  fc.constant({ match: 'a' }),
);

describe('setting states in a file', () => {
  it('changes the state bytes of the chosen jobs and no other byte', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile(), anySelection, fc.constantFrom('.', 'd', '-', '~'), async (bytes, selection, state) => {
        const path = fill(bytes);
        const queue = await openRuns(path);
        const matches = jobMatcher(selection);
        const chosen = (await jobsOf(queue)).filter(matches);
        const expected = Buffer.from(bytes);
        for (const job of chosen) expected.write(state, job.offset as number, 'latin1');

        // With force, because it takes seconds to be sure of orphans.
        const result = await queue.set(selection, state, { force: true });
        expect(readFileSync(path)).toEqual(expected);
        expect(result).toEqual({ matched: chosen.length, changed: chosen.filter(job => job.state !== state).length, running: [] });
      }),
    );
  });

  it('does so in a file of many blocks', async () => {
    const line = `! ${'x'.repeat(60)}\n`;
    const bytes = Buffer.from(`${line}# no job\n`.repeat(15_000));
    const path = runsFile(bytes);
    expect(await (await openRuns(path)).set({}, '.')).toEqual({ matched: 15_000, changed: 15_000, running: [] });
    expect(readFileSync(path).equals(Buffer.from(bytes.toString().replaceAll('! x', '. x')))).toBe(true);
  });

  it.each([
    ['few lines, one by one', 3],
    ['many lines, a block at a time', 300],
  ])('takes the states as they are under the lock, not as they were read before: %s', async (_, count) => {
    const path = runsFile('! a\n'.repeat(count));
    const queue = await openRuns(path);
    const busy = await lockElsewhere(path, 'exclusive', { start: 0, length: 1 });
    const set = queue.set({ states: ['!'] }, '.');
    // Somebody else reruns the last job while ours waits for the first one's lock.
    await (await openRuns(path)).set({ lines: [{ from: count, to: count }] }, 'd');
    await busy.release();
    expect(await set).toEqual({ matched: count, changed: count - 1, running: [] });
    expect(readFileSync(path, 'utf8')).toBe(`${'. a\n'.repeat(count - 1)}d a\n`);
  });

  it('writes nothing where the lines have moved while it waited for a lock', async () => {
    const path = runsFile('! a\n! b\n! c\n');
    const queue = await openRuns(path);
    const busy = await lockElsewhere(path, 'exclusive', { start: 0, length: 1 });
    const set = queue.set({}, '.');
    await aFewTurns();
    const edited = '# inserted\n! a\n! b\n! c\n';
    rewriteFile(path, edited);
    await busy.release();
    expect(await set).toMatchObject({ running: [] });
    const states = plainLines(readFileSync(path)).map(line => String.fromCharCode(line.state));
    const commands = readFileSync(path, 'utf8').replace(/^[!.] /gm, '');
    expect(commands).toBe(edited.replace(/^[!.] /gm, ''));
    expect(states.slice(1).every(state => state === '!' || state === '.')).toBe(true);
  });

  it('leaves every running job of many alone, and sets all others', async () => {
    const count = 400;
    const path = runsFile('. a\n'.repeat(count));
    const runner = await openRuns(path);
    for (let taken = 0; taken < 5; taken++) await claim(runner);
    const result = await (await openRuns(path)).set({}, '-');
    expect(result).toMatchObject({ matched: count, changed: count - 5 });
    expect(result.running.map(job => job.number)).toEqual([1, 2, 3, 4, 5]);
    expect(readFileSync(path, 'utf8')).toBe(`${'r a\n'.repeat(5)}${'- a\n'.repeat(count - 5)}`);
  });

  it('goes together with runners that claim and finish meanwhile: no state is lost', async () => {
    const count = 200;
    const path = runsFile(`${'. a\n'.repeat(count)}${'! b\n'.repeat(count)}`);
    const runner = await openRuns(path);
    const user = await openRuns(path);
    const run = async (): Promise<void> => {
      for (let done = 0; done < count; done++) await (await claim(runner, { retry: false })).finish({ state: 'd' });
    };
    const set = async (): Promise<void> => {
      for (const state of ['e', '-', '!', 'e', '-', 'x']) await user.set({ match: 'b' }, state);
    };
    await Promise.all([run(), set()]);
    expect(readFileSync(path, 'utf8')).toBe(`${'d a\n'.repeat(count)}${'x b\n'.repeat(count)}`);
  });
});

/** The jobs are read, and the first lock is asked for, within a few turns of the event loop. */
async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve));
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobLine } from '../../../../src/job/print-job-lines.js';
import type { Selection } from '../../../../src/job/selection.js';
import type { Queue } from '../../../../src/queue/queue.js';
import { anyRunsFile } from '../../../support/lines.js';
import { refillable } from '../../../support/local-file.js';
import { claim, jobsOf, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

const anySelection: fc.Arbitrary<Selection> = fc.oneof(
  fc.constant({}),
  fc.record({ states: fc.subarray(['.', 'r', '?', 'd', '!', 'e', '-', 'x'], { minLength: 1 }) }),
  fc.record({ lines: fc.array(fc.record({ from: fc.integer({ min: 1, max: 60 }) }), { minLength: 1, maxLength: 2 }) }),
  fc.constant({ match: 'a' }),
);

async function textOf(queue: Queue, selection: Selection): Promise<string> {
  let text = '';
  // The buffers are only lent: they are not kept.
  for await (const bytes of queue.text?.(selection) ?? []) text += bytes.toString('latin1');
  return text;
}

async function linesOf(queue: Queue, selection: Selection): Promise<string> {
  return Buffer.concat((await jobsOf(queue, selection)).map(jobLine)).toString('latin1');
}

describe('jobs in text', () => {
  it('are those that the queue hands out one by one, each printed', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile(), anySelection, async (bytes, selection) => {
        const queue = await openRuns(fill(bytes));
        expect(await textOf(queue, selection)).toBe(await linesOf(queue, selection));
      }),
    );
  });

  it('are numbered through blocks, comments and blocks in which somebody is at work', async () => {
    const line = `d ${'x'.repeat(90)}\n`;
    const queue = await openRuns(runsFile(`${line.repeat(9_998)}# no job\n. a\n${line.repeat(5_000)}. b\n${line.repeat(5_000)}`));
    await claim(queue);
    const text = await textOf(queue, {});
    expect(text).toContain('\n9998: d - xx');
    expect(text).toContain('\n10000: r - a  (running)\n10001: d - xx');
    expect(text).toContain('\n15001: . - b\n15002: d - xx');
    expect(text).toBe(await linesOf(queue, {}));
    expect(await textOf(queue, { states: ['.'] })).toBe('15001: . - b\n');
  });

  it('may be longer than a block', async () => {
    const long = 'x'.repeat(700_000);
    expect(await textOf(await openRuns(runsFile(`. a\nd ${long}\n. b`)), {})).toBe(`1: . - a\n2: d - ${long}\n3: . - b\n`);
  });
});

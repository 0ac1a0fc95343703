import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileJob, type JobBlock, readJobs } from '../../../../src/queue/file/reading/read-jobs.js';
import { scan } from '../../../../src/queue/file/reading/scan.js';
import { anyRunsFile, plainLines } from '../../../support/lines.js';
import { openFile, refillable } from '../../../support/local-file.js';
import { runsFile } from '../../../support/temporary.js';

async function blocksOf(path: string): Promise<JobBlock[]> {
  const blocks: JobBlock[] = [];
  for await (const block of readJobs(await openFile(path))) blocks.push(block);
  return blocks;
}

async function jobsOf(path: string): Promise<FileJob[]> {
  return (await blocksOf(path)).flatMap(block => block.jobs);
}

describe('reading jobs from front to end', () => {
  it('finds the same jobs as a scan, in the same places', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile(), async bytes => {
        const path = fill(bytes);
        const file = await openFile(path);
        const index = await scan(file, bytes.length);
        const jobs = await jobsOf(path);
        const lines = Array.from({ length: index.lineCount }, (_, at) => at + 1).filter(line => index.stateAt(line) !== 0);
        expect(jobs.map(({ number, ordinal, offset, end, state }) => ({ number, ordinal, offset, end, state }))).toEqual(
          lines.map(line => ({
            number: line,
            ordinal: index.ordinalOf(line),
            offset: index.startOf(line),
            end: index.endOf(line),
            state: String.fromCharCode(index.stateAt(line)),
          })),
        );
        for (const job of jobs) {
          if (job.problem) expect(index.problems.get(job.number)).toEqual(job.problem);
          if (index.directives.has(job.number)) expect(job.directives).toEqual(index.directives.get(job.number));
        }
      }),
    );
  });

  it('hands commands out byte for byte, without the line end', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyRunsFile(), async bytes => {
        const jobs = await jobsOf(fill(bytes));
        expect(jobs.map(job => job.command)).toEqual(plainLines(bytes).flatMap(line => (line.state === 0 ? [] : [line.command])));
      }),
    );
  });

  it('goes block by block, with nothing between two blocks and nothing left out', async () => {
    const line = `. ${'x'.repeat(97)}\n`;
    const bytes = Buffer.from(line.repeat(10_000));
    const blocks = await blocksOf(runsFile(bytes));
    expect(blocks.length).toBeGreaterThan(2);
    expect(blocks[0]?.start).toBe(0);
    expect(blocks.at(-1)?.end).toBe(bytes.length);
    for (const [at, block] of blocks.entries()) {
      expect(block.start).toBe(at === 0 ? 0 : blocks[at - 1]?.end);
      expect(block.before).toEqual({ line: block.start / line.length, ordinal: block.start / line.length });
    }
    expect(blocks.flatMap(block => block.jobs.map(job => job.number))).toEqual(Array.from({ length: 10_000 }, (_, at) => at + 1));
  });

  it('takes a line that is longer than a block, and goes on behind it', async () => {
    const long = 'x'.repeat(3 * 1024 * 1024);
    const jobs = await jobsOf(runsFile(`. a\n. ${long}\n. b\n. ${long}`));
    expect(jobs.map(job => job.command.length)).toEqual([1, long.length, 1, long.length]);
    expect(jobs.map(job => job.number)).toEqual([1, 2, 3, 4]);
  });
});

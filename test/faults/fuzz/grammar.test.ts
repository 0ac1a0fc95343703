import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunmakerError } from '../../../src/errors.js';
import { NO_DIRECTIVES, parseDirectives } from '../../../src/job/directives.js';
import { parseDuration } from '../../../src/job/duration.js';
import type { Job } from '../../../src/job/job.js';
import { asLine } from '../../../src/job/job.js';
import { parseJobChoice } from '../../../src/job/selection.js';
import { parseSize } from '../../../src/job/size.js';
import { Talk } from '../../../src/queue/file/doctor/talk.js';
import { FileQueue } from '../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../src/queue/file/locks/record.js';
import { type FileJob, readJobs } from '../../../src/queue/file/reading/read-jobs.js';
import { commandIn, readLine } from '../../../src/queue/file/reading/read-line.js';
import { scan } from '../../../src/queue/file/reading/scan.js';
import { openJobLog } from '../../../src/report/job-log/job-log.js';
import { parseHalt } from '../../../src/run/stopping/halt.js';
import { findMount } from '../../../src/system/mounts.js';
import { figure } from '../../support/figure.js';
import { anyRunsFile, plainLines } from '../../support/lines.js';
import { openFile, refillable } from '../../support/local-file.js';
import { temporaryFolder } from '../../support/temporary.js';

const RUNS = 1500;
// Larger inputs than fast-check generates by default.
fc.configureGlobal({ baseSize: 'medium' });

/** Bytes of all kinds: almost a runs file, a runs file with some bytes changed, pieces of the grammar in any order, and noise. */
const anyBytes: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 3, arbitrary: anyRunsFile() },
  {
    weight: 3,
    arbitrary: fc.tuple(anyRunsFile(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 })).map(([bytes, changes]) => {
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.constantFrom(
          ...[
            '. ',
            'r\t',
            '\n',
            '\n',
            '\r\n',
            '\r',
            '\0',
            '---',
            '--',
            '#',
            '/',
            ' #: ',
            ' #:',
            'after=',
            'name=',
            'priority=',
            'cpus=',
            'mem=',
            'retries=',
          ],
          ...[
            'timeout=',
            'gpus=',
            '1',
            '0',
            '-1',
            '9'.repeat(20),
            ',',
            ' ',
            '\t',
            'a',
            '=',
            '.5',
            '1h',
            '4G',
            '\xff',
            '\xc3\xa9',
            'x'.repeat(300),
          ],
        ),
        { maxLength: 60 },
      )
      .map(pieces => Buffer.from(pieces.join(''), 'latin1')),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map(bytes => Buffer.from(bytes)) },
);

/** Texts from pieces of a grammar, and noise. */
function textOf(...pieces: string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(parts => parts.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  );
}

async function jobsOf(path: string): Promise<FileJob[]> {
  const jobs: FileJob[] = [];
  let position = 0;
  for await (const block of readJobs(await openFile(path))) {
    expect(block.start).toBe(position);
    position = block.end;
    jobs.push(...block.jobs);
  }
  return jobs;
}

/** Calls a function with possibly invalid input. Returns undefined when it throws an error that programs can print. */
function orRefusal<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(RunmakerError);
    expect((error as RunmakerError).code).toBe('usage');
    expect((error as RunmakerError).message.length).toBeLessThan(1000);
    return undefined;
  }
}

describe('any bytes as a runs file', () => {
  it('are parsed alike by all parsers, and every offset is the start of a line', async () => {
    const fill = refillable();
    const seen = { files: 0, lines: 0, jobs: 0, problems: 0 };
    await fc.assert(
      fc.asyncProperty(anyBytes, async bytes => {
        const path = fill(bytes);
        const file = await openFile(path);
        const index = await scan(file, bytes.length);
        const wanted = plainLines(bytes);
        expect(index.lineCount).toBe(wanted.length);
        expect(index.end).toBe(bytes.length);
        for (const { number, start, end, state } of wanted) {
          expect([number, index.startOf(number), index.endOf(number), index.stateAt(number)]).toEqual([number, start, end, state]);
          expect(start === 0 || bytes[start - 1] === 10).toBe(true);
          expect(index.lineAround(start)).toBe(number);
        }
        const jobs = await jobsOf(path);
        const wantedJobs = wanted.filter(line => line.state !== 0);
        expect(jobs.map(job => [job.number, job.ordinal, job.offset, job.end, job.state.charCodeAt(0)])).toEqual(
          wantedJobs.map(({ number, start, end, state }, at) => [number, at + 1, start, end, state]),
        );
        for (const [at, job] of jobs.entries()) {
          expect(job.command.equals(wantedJobs[at]?.command as Buffer)).toBe(true);
          // The line itself, as it is read under a lock.
          const now = await readLine(file, job.offset, job.end);
          expect(now && [now.state, commandIn(now).equals(job.command)]).toEqual([job.state.charCodeAt(0), true]);
          const problem = index.problems.get(job.number);
          if (job.problem) expect(problem).toEqual(job.problem);
          else expect(index.directives.get(job.number) ?? NO_DIRECTIVES).toEqual(job.directives);
          if (problem) seen.problems++;
        }
        for (const line of [...index.directives.keys(), ...index.problems.keys(), ...index.dependents.keys()]) {
          if (line < 0) continue;
          expect(index.stateAt(line)).not.toBe(0);
        }
        seen.files++;
        seen.lines += wanted.length;
        seen.jobs += jobs.length;
      }),
      { numRuns: RUNS },
    );
    figure(
      `fuzzed ${seen.files} files: ${seen.lines} lines, ${seen.jobs} jobs, ${seen.problems} of them with something that cannot be read`,
    );
  });

  it('never make one line pass for another', async () => {
    const fill = refillable();
    await fc.assert(
      fc.asyncProperty(anyBytes, fc.nat(), fc.integer({ min: 1, max: 60 }), async (bytes, at, length) => {
        const start = bytes.length === 0 ? 0 : at % bytes.length;
        const end = start + length;
        const file = await openFile(fill(bytes));
        const now = await readLine(file, start, end);
        const line = plainLines(bytes).find(candidate => candidate.start === start);
        // A last line is given without its missing line feed, and every other with it or without.
        const isLine = line !== undefined && (end === line.end || (bytes[end] === 10 && end + 1 === line.end));
        expect(now !== undefined).toBe(isLine);
        if (now && line) expect(now.state).toBe(line.state);
      }),
      { numRuns: RUNS },
    );
  });

  it('can be counted, listed, planned and claimed from: nothing throws, and only state bytes change', async () => {
    const path = join(temporaryFolder(), 'runs.txt');
    await fc.assert(
      fc.asyncProperty(anyBytes, async bytes => {
        writeFileSync(path, bytes);
        const queue = new FileQueue(path, recordDriver('local'), { patience: 0 });
        try {
          const counts = await queue.counts();
          const states = new Map(plainLines(bytes).map(line => [line.start, line.state]));
          const total = [...states.values()].filter(state => state !== 0).length;
          expect(counts.total).toBe(total);
          const { blocked: _, total: __, ...parts } = counts;
          expect(Object.values(parts).reduce((sum, count) => sum + count, 0)).toBe(total);

          const planned: Job[] = [];
          for await (const jobs of queue.plan({})) planned.push(...jobs);
          const taken: number[] = [];
          for (let result = await queue.claim({}); result.kind === 'claimed' && taken.length < 3; result = await queue.claim({})) {
            const { offset, number } = asLine(result.claim.job);
            expect(states.get(offset)).toBe(0x2e);
            // A last line without a line feed is claimed like the others.
            bytes[offset] = 0x64;
            taken.push(number);
            expect(await result.claim.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
            expect(readFileSync(path).equals(bytes)).toBe(true);
          }
          // The jobs ran in the order of the plan.
          expect(planned.slice(0, taken.length).map(job => job.number)).toEqual(taken);
          const leftover = await queue.claim({});
          if (leftover.kind === 'claimed') await leftover.claim.release();
        } finally {
          await queue.close();
        }
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});

describe('any text', () => {
  it('after a command is a set of directives or an error', () => {
    fc.assert(
      fc.property(anyBytes, bytes => {
        const { directives, problem } = parseDirectives(bytes);
        if (problem) {
          expect(directives).toBe(NO_DIRECTIVES);
          expect(problem.column).toBeGreaterThanOrEqual(1);
          expect(problem.column).toBeLessThanOrEqual(bytes.length + 3);
          expect(problem.message.length).toBeLessThan(400);
        }
        expect(directives.after.length).toBeLessThanOrEqual(bytes.length);
        expect(Object.values(directives.needs).every(need => Number.isFinite(need) && need >= 0)).toBe(true);
        expect(Number.isSafeInteger(directives.priority)).toBe(true);
        for (const reference of directives.after) expect(typeof reference === 'string' ? reference !== '' : reference >= 1).toBe(true);
        if (directives.timeout !== undefined) expect(directives.timeout).toBeGreaterThan(0);
      }),
      { numRuns: RUNS },
    );
  });

  it('as a choice of jobs is parsed or rejected', () => {
    fc.assert(
      fc.property(textOf('1', '0', '3', '12', '-', ',', '@', '9'.repeat(17), ' ', '1e3', '٣', '--'), text => {
        const choice = orRefusal(() => parseJobChoice(text));
        if (choice === undefined) return;
        const { lines, offsets } = choice;
        expect(lines.length + offsets.length).toBe(text.split(',').length);
        for (const { from = 1, to = Number.POSITIVE_INFINITY } of lines) expect(from >= 1 && from <= to).toBe(true);
        for (const offset of offsets) expect(Number.isSafeInteger(offset)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('as a duration, a size or a halt rule is parsed or rejected', () => {
    fc.assert(
      fc.property(
        textOf(
          '1',
          '0',
          '5',
          '.',
          's',
          'm',
          'h',
          'd',
          'ms',
          'K',
          'G',
          'iB',
          ' ',
          '-',
          'e9',
          '9'.repeat(20),
          'fail=',
          'soon',
          'now',
          ',',
          '%',
        ),
        text => {
          for (const parse of [parseDuration, parseSize]) {
            const number = orRefusal(() => parse(text));
            if (number !== undefined) expect(Number.isSafeInteger(number) && number >= 0).toBe(true);
          }
          orRefusal(() => parseHalt(text));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('as the kernel’s list of mounts yields a mount above the path, or none', () => {
    const mountinfo = textOf(
      '22 1 254:0 / /data rw',
      '30 22 0:26 / / rw,noatime shared:2',
      ' - ',
      ' - nfs4 a:/b rw',
      '\n',
      ' ',
      '\\040',
      '\\',
      '/',
      '\\777',
      '-',
      'é',
    );
    fc.assert(
      fc.property(mountinfo, textOf('/data', '/', 'runs.txt', ' ', '..', 'é'), (text, path) => {
        const mount = findMount(text, path);
        if (mount === undefined) return;
        expect(mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`)).toBe(true);
        expect(mount.options.every(option => typeof option === 'string')).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Text that begins like a job log and continues in any way. */
const logLike = fc
  .tuple(fc.constantFrom('Seq\tHost', '1\talice', '12\t'), anyBytes)
  .map(([head, rest]) => Buffer.concat([Buffer.from(head), rest]));

describe('any bytes in a file that is read back', () => {
  it('as messages between hosts (--doctor --peer) are words or nothing', async () => {
    const path = join(temporaryFolder(), 'talk');
    const talk = new Talk(recordDriver('local'), path, 'me');
    const said = fc.oneof(
      anyBytes,
      textOf('alice-1-abc', ' ', '\n', 'hello', 'see', 'me', 'held', '0', '\0').map(text => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(said, async bytes => {
        writeFileSync(path, bytes);
        const sayings = await talk.hear(all => all, 0, 'anything');
        expect(sayings).toHaveLength(bytes.toString('utf8').split('\n').length - 1);
        for (const { from, words } of sayings) expect([typeof from, Array.isArray(words)]).toEqual(['string', true]);
      }),
      { numRuns: 500 },
    );
  });

  it('as an existing job log are kept: other files are rejected, and a possible log gets its new rows on their own lines', async () => {
    const path = join(temporaryFolder(), 'joblog');
    const warnings: string[] = [];
    onTestFinished(() => expect(warnings).toEqual([]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyBytes, logLike), async bytes => {
        writeFileSync(path, bytes);
        const log = await openJobLog(path, message => warnings.push(message)).catch((error: RunmakerError) => error.code);
        if (log === 'usage') {
          expect(readFileSync(path).equals(bytes)).toBe(true);
          return;
        }
        if (typeof log === 'string') throw new Error(log);
        await log.close();
        const now = readFileSync(path);
        expect(now.subarray(0, bytes.length).equals(bytes)).toBe(true);
        expect(now.at(-1)).toBe(10);
        expect(now.length - bytes.length).toBeLessThan(100);
      }),
      { numRuns: 300 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobTable } from '../../src/job/job-table.js';
import { type Asker, outlook, pick } from '../../src/job/readiness.js';
import { readRuns } from '../../src/queue/git/documents/runs-document.js';
import { PlainBoard } from '../support/board.js';

const STATES = '.rd!e-';

/** Both boards of one file. */
function boards(text: string): { readonly table: JobTable; readonly plain: PlainBoard } {
  const { jobs, barriers, lineCount } = readRuns(Buffer.from(text), 'runs.txt');
  const lines = text.trimEnd().split('\n');
  const plain = new PlainBoard(
    lines.map((line, at) => {
      const job = jobs.find(({ number }) => number === at + 1);
      return line === '---' || job === undefined ? '---' : { state: job.state, ...job.directives };
    }),
  );
  return { table: new JobTable(jobs, barriers, lineCount), plain };
}

describe('a table of jobs', () => {
  it('decides as a plain board does, through any changes of state', () => {
    const said = fc.constantFrom(
      '',
      ' #: priority=2',
      ' #: priority=-1',
      ' #: after=1',
      ' #: after=3',
      ' #: cpus=2',
      ' #: name=a',
      ' #: after=a',
    );
    const job = fc.tuple(fc.constantFrom(...STATES), said).map(([state, directives]) => `${state} x${directives}`);
    const line = fc.oneof({ weight: 6, arbitrary: job }, { weight: 1, arbitrary: fc.constant('---') });
    const change = fc.tuple(fc.nat(), fc.constantFrom(...STATES));
    const asker: fc.Arbitrary<Asker> = fc.record({
      retry: fc.boolean(),
      free: fc.constantFrom(undefined, { cpus: 1, mem: 0, gpus: 0 }),
      capacity: fc.constantFrom(undefined, { cpus: 1, mem: 0, gpus: 0 }, { cpus: 2, mem: 0, gpus: 0 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), fc.array(change, { maxLength: 8 }), asker, (lines, changes, who) => {
        const { table, plain } = boards(`${lines.join('\n')}\n`);
        for (const [place, state] of [[0, undefined] as const, ...changes]) {
          const number = plain.jobs[place % Math.max(1, plain.jobs.length)];
          if (number !== undefined && state !== undefined) {
            table.setState(number, state.charCodeAt(0));
            plain.set(number, state);
          }
          expect(pick(table, who)).toEqual(pick(plain, who));
          expect(outlook(table, who)).toEqual(outlook(plain, who));
        }
      }),
    );
  });

  it.each([
    ['r a\n. b #: after=1\n', 'waiting'],
    ['r a #: name=x\n? b #: name=x\nd c\n. d #: after=x,3\n', 'waiting'],
    ['r a #: name=x\n! b #: name=x\n. c #: after=x\n', 'exhausted'],
    ['! a\nr b\n. c #: after=1,2\n', 'exhausted'],
    ['r a\n- b #: after=1\n', 'exhausted'],
    ['r a\n. b #: after=1 cpus=2\n', 'exhausted'],
    ['r a\n! b\n---\n. c #: after=1\n', 'exhausted'],
  ])('knows whether running jobs will make a job ready: %j', (text, kind) => {
    const asker: Asker = { capacity: { cpus: 1 } };
    const { table, plain } = boards(text);
    expect(pick(table, asker).kind).toBe(kind);
    expect(pick(plain, asker).kind).toBe(kind);
  });

  it('gives the column of an after that can never be satisfied', () => {
    const { jobs, barriers, lineCount } = readRuns(Buffer.from('. a #: cpus=1 after=9\n'), 'runs.txt');
    expect(new JobTable(jobs, barriers, lineCount).problems).toEqual(new Map([[1, { column: 15, message: 'after: line 9 is not a job' }]]));
  });
});

import { expect, it } from 'vitest';
import type { Board } from '../../src/job/board.js';
import type { Directives } from '../../src/job/directives.js';
import { NO_DIRECTIVES } from '../../src/job/directives.js';
import { JobTable } from '../../src/job/job-table.js';
import { pick } from '../../src/job/readiness.js';

const [NEW, RUNNING, DONE] = ['.', 'r', 'd'].map(state => state.charCodeAt(0)) as [number, number, number];

function table(count: number, said: (line: number) => Partial<Directives>): JobTable {
  const jobs = Array.from({ length: count }, (_, at) => ({
    id: String(at + 1),
    number: at + 1,
    ordinal: at + 1,
    state: '.',
    command: Buffer.from('true'),
    directives: { ...NO_DIRECTIVES, ...said(at + 1) },
  }));
  return new JobTable(jobs, [], count);
}

/** The board, and how often the state of a line was requested. */
function counted(board: JobTable): { board: Board; looks: () => number } {
  let looks = 0;
  const counting = new Proxy(board, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== 'stateAt') return typeof value === 'function' ? value.bind(target) : value;
      return (line: number) => {
        looks++;
        return target.stateAt(line);
      };
    },
  });
  return { board: counting, looks: () => looks };
}

/** Runs jobs, with two slots that ask each time, and returns the states examined for each job. */
function looksPerJob(jobs: JobTable, count: number): number {
  const { board, looks } = counted(jobs);
  for (let job = 0; job < count; job++) {
    const choice = pick(board, {});
    if (choice.kind !== 'ready') throw new Error(`${choice.kind} after ${job} jobs`);
    jobs.setState(choice.line, RUNNING);
    pick(board, {});
    jobs.setState(choice.line, DONE);
  }
  return looks() / count;
}

const LINES = 20_000;

it('a job of a long chain is found without a look at the others', () => {
  expect(
    looksPerJob(
      table(LINES, line => (line === 1 ? {} : { after: [line - 1] })),
      1000,
    ),
  ).toBeLessThan(10);
});

it('a job of a chain from the last line to the first is, too', () => {
  expect(
    looksPerJob(
      table(LINES, line => (line === LINES ? {} : { after: [line + 1] })),
      1000,
    ),
  ).toBeLessThan(10);
});

it('jobs that wait for one name are not examined before it is done', () => {
  const jobs = table(LINES, line => (line <= 100 ? { name: 'first' } : { after: ['first'] }));
  expect(looksPerJob(jobs, 100)).toBeLessThan(10);
  expect(looksPerJob(jobs, 1000)).toBeLessThan(10);
});

it('a job that waits for names becomes ready with the last of them, and waits again when one is reset', () => {
  const jobs = table(4, line => (line < 4 ? { name: 'all' } : { after: ['all', 1] }));
  for (const line of [1, 2]) jobs.setState(line, DONE);
  expect(jobs.waits(4)).toBe(true);
  jobs.setState(3, DONE);
  expect(jobs.waits(4)).toBe(false);
  expect(jobs.nextOpen(NEW, 1)).toBe(4);
  jobs.setState(1, NEW);
  expect(jobs.waits(4)).toBe(true);
  expect(jobs.nextOpen(NEW, 2)).toBe(5);
});

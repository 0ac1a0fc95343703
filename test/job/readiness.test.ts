import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asker, outlook, pick, tooBig } from '../../src/job/readiness.js';
import { type BoardLine, PlainBoard } from '../support/board.js';

const SIZE = 10;

const anyLine: fc.Arbitrary<BoardLine> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('---' as const) },
  { weight: 3, arbitrary: fc.record({ state: fc.constantFrom('.', '.', '.', 'r', '?', 'd', 'd', '!', 'e', '-') }) },
  {
    weight: 4,
    arbitrary: fc.record(
      {
        state: fc.constantFrom('.', '.', '.', '.', 'r', 'd', '!', '-'),
        after: fc.array(fc.oneof(fc.integer({ min: 1, max: SIZE }), fc.constantFrom('prep', 'nobody')), { maxLength: 2 }),
        priority: fc.constantFrom(0, 0, 1, 5, -2),
        name: fc.constantFrom('prep', 'other'),
        needs: fc.record({ cpus: fc.nat(3), mem: fc.constant(0), gpus: fc.constant(0) }),
      },
      { requiredKeys: ['state'] },
    ),
  },
);

const anyLines = fc.array(anyLine, { maxLength: SIZE });

const anyAsker: fc.Arbitrary<Asker> = fc.record(
  {
    retry: fc.boolean(),
    tried: fc.uniqueArray(fc.integer({ min: 1, max: SIZE })).map(lines => new Set(lines.map(String))),
    free: fc.record({ cpus: fc.nat(2), mem: fc.constant(0), gpus: fc.constant(0) }),
    capacity: fc.constant({ cpus: 2, mem: 0, gpus: 0 }),
  },
  { requiredKeys: [] },
);

const NEW = { state: '.' };

function picked(board: PlainBoard, asker: Asker = {}): number | string {
  const choice = pick(board, asker);
  return choice.kind === 'ready' ? choice.line : choice.kind === 'waiting' ? `waiting for ${choice.for}` : choice.kind;
}

/** Whether this asker would run the job if nothing blocked it. */
function isWanted(board: PlainBoard, line: number, asker: Asker): boolean {
  const state = board.state(line);
  return state === '.' || (asker.retry === true && '!e'.includes(state) && !asker.tried?.has(String(line)));
}

function cpusOf(board: PlainBoard, line: number): number {
  return board.directives.get(line)?.needs.cpus ?? 0;
}

/** Runs every picked job to `d`; returns the lines in that order. */
function runToEnd(board: PlainBoard, asker: Asker): number[] {
  const ran: number[] = [];
  for (let choice = pick(board, asker); choice.kind === 'ready'; choice = pick(board, asker)) {
    board.set(choice.line, 'd');
    ran.push(choice.line);
    if (ran.length > board.lineCount) throw new Error(`picked again and again: ${ran}`);
  }
  return ran;
}

/** All running jobs succeed. */
function endRunning(board: PlainBoard): void {
  for (const line of board.jobs) if ('r?'.includes(board.state(line))) board.set(line, 'd');
}

describe('the next job to run', () => {
  it('is the first new one', () => {
    expect(picked(new PlainBoard([{ state: 'd' }, { state: '-' }, NEW, NEW]))).toBe(3);
  });

  it('is the one of the highest priority, the first of those', () => {
    expect(picked(new PlainBoard([NEW, { ...NEW, priority: 1 }, { ...NEW, priority: 5 }, { ...NEW, priority: 5 }]))).toBe(3);
  });

  it('is one of negative priority when there is no other', () => {
    const board = new PlainBoard([{ ...NEW, priority: -1 }, NEW]);
    expect(runToEnd(board, {})).toEqual([2, 1]);
  });

  it('is skipped when the asker excludes it', () => {
    expect(pick(new PlainBoard([NEW, NEW]), {}, new Set([1]))).toEqual({ kind: 'ready', line: 2 });
  });

  it('waits for the last of the jobs that share a name, too', () => {
    const [done, running] = [
      { state: 'd', name: 'prep' },
      { state: 'r', name: 'prep' },
    ];
    const next = { ...NEW, after: ['prep'] };
    expect(picked(new PlainBoard([done, running, next]))).toBe('waiting for others');
    expect(picked(new PlainBoard([running, done, next]))).toBe('waiting for others');
    expect(picked(new PlainBoard([done, done, next]))).toBe(3);
  });

  it('never waits for an unfinished job, through after or a barrier', () => {
    fc.assert(
      fc.property(anyLines, anyAsker, (lines, asker) => {
        const board = new PlainBoard(lines);
        const choice = pick(board, asker);
        if (choice.kind !== 'ready') return;
        expect(board.waitsFor(choice.line).filter(other => board.state(other) !== 'd')).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('is always one that the asker accepts, that fits, and that is valid', () => {
    fc.assert(
      fc.property(anyLines, anyAsker, (lines, asker) => {
        const board = new PlainBoard(lines);
        const choice = pick(board, asker);
        if (choice.kind !== 'ready') return;
        expect(isWanted(board, choice.line, asker)).toBe(true);
        expect(board.problems.has(choice.line)).toBe(false);
        const room = Math.min(asker.free?.cpus ?? Number.POSITIVE_INFINITY, asker.capacity?.cpus ?? Number.POSITIVE_INFINITY);
        expect(cpusOf(board, choice.line)).toBeLessThanOrEqual(room);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the best of all that are ready', () => {
    fc.assert(
      fc.property(anyLines, anyAsker, (lines, asker) => {
        const board = new PlainBoard(lines);
        const room = Math.min(asker.free?.cpus ?? Number.POSITIVE_INFINITY, asker.capacity?.cpus ?? Number.POSITIVE_INFINITY);
        const ready = board.jobs.filter(
          line =>
            isWanted(board, line, asker) &&
            !board.problems.has(line) &&
            cpusOf(board, line) <= room &&
            board.waitsFor(line).every(other => board.state(other) === 'd'),
        );
        const priorityOf = (line: number): number => board.directives.get(line)?.priority ?? 0;
        const [best] = ready.sort((a, b) => priorityOf(b) - priorityOf(a) || a - b);
        const choice = pick(board, asker);
        expect(choice.kind === 'ready' ? choice.line : undefined).toBe(best);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('running all ready jobs in turn, each successfully', () => {
  it('leaves only blocked jobs new', () => {
    fc.assert(
      fc.property(anyLines, lines => {
        const board = new PlainBoard(lines);
        endRunning(board);
        runToEnd(board, {});
        const left = board.jobs.filter(line => board.state(line) === '.');
        expect(left.length).toBe(outlook(board, {}).blocked);
        expect(picked(board)).toBe('exhausted');
        for (const line of left) {
          const reasons = board.waitsFor(line).filter(other => board.state(other) !== 'd');
          expect(board.problems.has(line) || reasons.length > 0).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('ends with exactly the blocked jobs of the start', () => {
    fc.assert(
      fc.property(anyLines, lines => {
        const board = new PlainBoard(lines);
        const { blocked } = outlook(board, {});
        endRunning(board);
        runToEnd(board, {});
        expect(board.jobs.filter(line => board.state(line) === '.').length).toBe(blocked);
      }),
      { numRuns: 1000 },
    );
  });

  it('completes every acyclic graph of after', () => {
    const graph = fc.array(fc.array(fc.nat(1000), { maxLength: 4 }), { maxLength: 30 }).chain(wishes =>
      fc
        .shuffledSubarray(
          wishes.map((_, at) => at + 1),
          { minLength: wishes.length },
        )
        .map(order => {
          // Each line may wait for earlier lines in an order unrelated to that of the file.
          const lines: BoardLine[] = wishes.map(() => NEW);
          for (const [at, line] of order.entries()) {
            const after = at === 0 ? [] : [...new Set((wishes[at] ?? []).map(wish => order[wish % at] as number))];
            lines[line - 1] = { ...NEW, after };
          }
          return lines;
        }),
    );
    fc.assert(
      fc.property(graph, lines => {
        const board = new PlainBoard(lines);
        const ran = runToEnd(board, {});
        expect([...ran].sort((a, b) => a - b)).toEqual(lines.map((_, at) => at + 1));
        const place = new Map(ran.map((line, at) => [line, at]));
        for (const line of board.dependents.keys())
          for (const other of board.needsOf(line)) expect(place.get(other)).toBeLessThan(place.get(line) ?? -1);
      }),
      { numRuns: 300 },
    );
  });

  it('finishes one stage before it begins the next', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<BoardLine>(NEW, NEW, '---', { ...NEW, priority: 3 })), lines => {
        const board = new PlainBoard(lines);
        const ran = runToEnd(board, {});
        const stage = (line: number): number => board.barriers.filter(barrier => barrier < line).length;
        expect(ran.map(stage)).toEqual(ran.map(stage).sort((a, b) => a - b));
        expect(ran.length).toBe(board.jobs.length);
      }),
    );
  });
});

describe('when no job is ready', () => {
  it('"waiting for others" means that the success of running jobs would make one ready', () => {
    fc.assert(
      fc.property(anyLines, anyAsker, (lines, asker) => {
        const board = new PlainBoard(lines);
        fc.pre(picked(board, asker) === 'waiting for others');
        endRunning(board);
        expect(picked(board, { ...asker, free: undefined })).toEqual(expect.any(Number));
      }),
      { numRuns: 300 },
    );
  });

  it('"exhausted" means that none would become ready, however the running jobs end', () => {
    fc.assert(
      fc.property(anyLines, anyAsker, (lines, asker) => {
        const board = new PlainBoard(lines);
        fc.pre(picked(board, asker) === 'exhausted');
        endRunning(board);
        expect(picked(board, asker)).toBe('exhausted');
      }),
      { numRuns: 300 },
    );
  });

  it('"waiting for room" means that one would be ready if all resources were free', () => {
    fc.assert(
      fc.property(anyLines, anyAsker, (lines, asker) => {
        const board = new PlainBoard(lines);
        fc.pre(picked(board, asker) === 'waiting for room');
        expect(picked(board, { ...asker, free: asker.capacity })).toEqual(expect.any(Number));
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, BoardLine[], string]>([
    ['a job that runs elsewhere, by a barrier', [{ state: 'r' }, '---', NEW], 'waiting for others'],
    ['a job that an older runner has claimed', [{ state: '?' }, { ...NEW, after: [1] }], 'waiting for others'],
    ['a failed job', [{ state: '!' }, { ...NEW, after: [1] }], 'exhausted'],
    ['a held job above a barrier', [{ state: '-' }, '---', NEW], 'exhausted'],
    ['a job that waits for a failed one', [{ state: '!' }, { ...NEW, after: [1] }, { ...NEW, after: [2] }], 'exhausted'],
    ['a running job and a failed one', [{ state: 'r' }, { state: '!' }, '---', NEW], 'exhausted'],
    ['a job whose line cannot be read', [{ ...NEW, after: ['nobody'] }, '---', NEW], 'exhausted'],
    ['nothing', [{ state: 'd' }, '---'], 'exhausted'],
  ])('and the rest waits for %s, that is the answer', (_, lines, expected) => {
    expect(picked(new PlainBoard(lines))).toBe(expected);
  });
});

describe('an asker of limited size', () => {
  const small: Asker = { free: { cpus: 2, mem: 0, gpus: 0 }, capacity: { cpus: 2, mem: 0, gpus: 0 } };
  const large = { ...NEW, needs: { cpus: 3 } };

  it('skips jobs that it could never run, and their dependants', () => {
    expect(picked(new PlainBoard([large, { ...NEW, after: [1] }]), small)).toBe('exhausted');
    expect(picked(new PlainBoard([large, '---', NEW]), small)).toBe('exhausted');
    expect(picked(new PlainBoard([large, NEW]), small)).toBe(2);
  });

  it('waits for such jobs while others run them', () => {
    expect(picked(new PlainBoard([{ ...large, state: 'r' }, '---', NEW]), small)).toBe('waiting for others');
  });

  it('learns which of those jobs are still to be run', () => {
    expect(tooBig(new PlainBoard([large, { ...large, state: 'd' }, NEW, large]), small)).toEqual([1, 4]);
    expect(tooBig(new PlainBoard([large]), {})).toEqual([]);
  });

  it('does not count jobs as blocked that others may run', () => {
    expect(outlook(new PlainBoard([large, NEW]), {}).blocked).toBe(0);
  });
});

describe('retry', () => {
  it('makes failed jobs and errors ready, also above barriers', () => {
    const board = new PlainBoard([{ state: '!' }, { state: 'e' }, '---', NEW]);
    expect(picked(board)).toBe('exhausted');
    expect(runToEnd(board, { retry: true })).toEqual([1, 2, 4]);
  });

  it('excludes jobs that were already tried', () => {
    const board = new PlainBoard([{ state: '!' }, { state: 'e' }, '---', NEW]);
    expect(picked(board, { retry: true, tried: new Set(['1', '2']) })).toBe('exhausted');
    expect(picked(board, { retry: true, tried: new Set(['1']) })).toBe(2);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dependencies, resolveDependencies, stageOf } from '../../src/job/dependencies.js';
import { type Directives, NO_DIRECTIVES } from '../../src/job/directives.js';

/** Lines from 1: the directives of each, or nothing; `---` is a barrier, '' is not a job. */
type Lines = readonly (Partial<Directives> | '---' | '')[];

function resolve(lines: Lines): Dependencies {
  const directives = new Map(
    lines.flatMap((line, at): [number, Directives][] => (typeof line === 'string' ? [] : [[at + 1, { ...NO_DIRECTIVES, ...line }]])),
  );
  return resolveDependencies({
    directives,
    barriers: lines.flatMap((line, at) => (line === '---' ? [at + 1] : [])),
    isJob: line => typeof lines[line - 1] === 'object',
  });
}

const dependentsOf = (lines: Lines): [number, readonly number[]][] => [...resolve(lines).dependents];
const problemsOf = (lines: Lines): Record<number, string> => Object.fromEntries(resolve(lines).problems);

describe('after', () => {
  it('names lines by their numbers', () => {
    expect(dependentsOf([{}, {}, { after: [1, 2] }])).toEqual([[3, [1, 2]]]);
  });

  it('names lines by name, all that have it, above and below', () => {
    expect(dependentsOf([{ name: 'prep' }, { after: ['prep'] }, { name: 'prep' }])).toEqual([
      [-1, [1, 3]],
      [2, [-1]],
    ]);
  });

  it('names a line by a name that no other has', () => {
    expect(dependentsOf([{ name: 'prep' }, { after: ['prep'] }])).toEqual([[2, [1]]]);
  });

  it.each<[string, Lines, Record<number, string>]>([
    ['a line that is no job', ['', { after: [1] }], { 2: 'after: line 1 is not a job' }],
    ['a line below the end', [{ after: [9] }], { 1: 'after: line 9 is not a job' }],
    ['a name that nobody has', [{ after: ['prep'] }], { 1: 'after: no job is named prep' }],
    [
      'a line below the barrier that waits for the asker',
      [{ after: [3] }, '---', {}],
      { 1: 'after: line 3 stands below a barrier that waits for this line' },
    ],
    [
      'a name that stands below that barrier too',
      [{ name: 'a' }, { after: ['a'] }, '---', { name: 'a' }],
      { 2: 'after: line 4 stands below a barrier that waits for this line' },
    ],
    ['itself', [{ after: [1] }], { 1: 'after: line 1 waits for itself, by way of itself' }],
  ])('is a problem when it names %s', (_, lines, expected) => {
    expect(problemsOf(lines)).toEqual(expected);
    expect(dependentsOf(lines).filter(([line]) => line > 0)).toEqual([]);
  });

  it('may name a line above a barrier', () => {
    expect(resolve([{}, '---', { after: [1] }])).toEqual({ dependents: new Map([[3, [1]]]), problems: new Map() });
  });

  it('skips one bad line and keeps the rest', () => {
    const { dependents, problems } = resolve([{}, { after: [1, 'nobody'] }, { after: [1] }]);
    expect([...problems.keys()]).toEqual([2]);
    expect([...dependents]).toEqual([[3, [1]]]);
  });
});

describe('a circle', () => {
  it('is reported on each of its lines, with the next line of the circle', () => {
    expect(problemsOf([{ after: [2] }, { after: [3] }, { after: [1] }])).toEqual({
      1: 'after: line 1 waits for itself, by way of line 2',
      2: 'after: line 2 waits for itself, by way of line 3',
      3: 'after: line 3 waits for itself, by way of line 1',
    });
  });

  it('is reported with the line that leads back, not with another dependency', () => {
    expect(problemsOf([{}, { after: [1] }, { after: [2, 4] }, { after: [3] }])).toEqual({
      3: 'after: line 3 waits for itself, by way of line 4',
      4: 'after: line 4 waits for itself, by way of line 3',
    });
  });

  it('is found by names as well', () => {
    expect(
      Object.keys(
        problemsOf([
          { name: 'a', after: ['b'] },
          { name: 'b', after: ['a'] },
        ]),
      ),
    ).toEqual(['1', '2']);
  });

  it('does not affect lines that wait for it: they wait', () => {
    const { dependents, problems } = resolve([{ after: [2] }, { after: [1] }, { after: [1] }]);
    expect([...problems.keys()]).toEqual([1, 2]);
    expect([...dependents]).toEqual([[3, [1]]]);
  });

  it('is reported on every line whose after leads back to it, and on no other', () => {
    const size = 7;
    const graph = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: size }), { maxLength: 3 }), { minLength: size, maxLength: size });
    fc.assert(
      fc.property(graph, needs => {
        const { problems } = resolve(needs.map(after => ({ after })));
        expect([...problems.keys()].sort()).toEqual(linesThatReachThemselves(needs));
      }),
      { numRuns: 1000 },
    );
  });

  it('is described with the number of a line', () => {
    const size = 6;
    const graph = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: size }), { maxLength: 3 }), { minLength: size, maxLength: size });
    fc.assert(
      fc.property(graph, needs => {
        for (const [line, message] of resolve(needs.map(after => ({ after }))).problems) {
          const [, self, via] = /^after: line (\d+) waits for itself, by way of (itself|line \d+)$/.exec(message) ?? [];
          expect(self, message).toBe(String(line));
          if (via === 'itself') expect(needs[line - 1]).toContain(line);
          else expect(needs[line - 1]).toContain(Number(via?.slice('line '.length)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('of a hundred thousand lines is found', () => {
    const length = 100_000;
    const lines = Array.from({ length }, (_, at) => ({ after: [((at + 1) % length) + 1] }));
    expect(resolve(lines).problems.size).toBe(length);
  });
});

describe('the topological order', () => {
  it('puts each line after its dependencies', () => {
    const size = 12;
    const line = fc.oneof(
      { weight: 5, arbitrary: fc.record({ after: fc.uniqueArray(fc.integer({ min: 1, max: size }), { maxLength: 3 }) }) },
      { weight: 1, arbitrary: fc.constant('---' as const) },
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: size, maxLength: size }), lines => {
        const { dependents, problems } = resolve(lines);
        const place = new Map([...dependents.keys()].map((line, at) => [line, at]));
        const waiting = lines.flatMap((entry, at) => (entry !== '---' && entry.after.length > 0 && !problems.has(at + 1) ? [at + 1] : []));
        expect([...place.keys()].sort((a, b) => a - b)).toEqual(waiting);
        for (const [line, needs] of dependents) {
          for (const other of needs) expect(place.get(other) ?? -1).toBeLessThan(place.get(line) as number);
        }
      }),
    );
  });

  it('covers a reversed chain of a hundred thousand lines', () => {
    const length = 100_000;
    const { dependents } = resolve(Array.from({ length }, (_, at) => (at + 1 < length ? { after: [at + 2] } : {})));
    const order = [...dependents.keys()];
    expect([order.length, order[0], order.at(-1)]).toEqual([length - 1, length - 1, 1]);
  });
});

describe('the stage of a line', () => {
  it('is the number of barriers above it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 30 })), fc.integer({ min: 1, max: 31 }), (lines, line) => {
        const barriers = lines.sort((a, b) => a - b);
        expect(stageOf(line, barriers)).toBe(barriers.filter(barrier => barrier < line).length);
      }),
    );
  });
});

/** The slow way: a walk from each line. */
function linesThatReachThemselves(needs: readonly (readonly number[])[]): number[] {
  const reaches = (from: number, to: number): boolean => {
    const seen = new Set<number>();
    const open = [...(needs[from - 1] ?? [])];
    for (let line = open.pop(); line !== undefined; line = open.pop()) {
      if (line === to) return true;
      if (seen.has(line)) continue;
      seen.add(line);
      open.push(...(needs[line - 1] ?? []));
    }
    return false;
  };
  return needs.flatMap((_, at) => (reaches(at + 1, at + 1) ? [at + 1] : []));
}

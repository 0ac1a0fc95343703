import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/**
 * The layout, as CONTRIBUTING.md has it: what each folder may import. Imports go down only; folders side by side do not import each other.
 * Types (`types`) may come from further up than code: reports listen to runs.
 */
const LAYOUT: Readonly<Record<string, { readonly code: readonly string[]; readonly types?: readonly string[] }>> = {
  'index.ts': { code: ['run', 'queue', 'execute', 'job', 'system', 'async', 'errors.ts'], types: ['report', 'server'] },
  cli: { code: ['server', 'report', 'run', 'queue', 'execute', 'compat', 'wire', 'job', 'system', 'async', 'errors.ts'] },
  server: { code: ['queue', 'compat', 'wire', 'job', 'system', 'async', 'errors.ts'], types: ['run'] },
  report: { code: ['compat', 'job', 'system', 'async', 'errors.ts'], types: ['run', 'execute'] },
  run: { code: ['queue', 'execute', 'job', 'system', 'async', 'errors.ts'] },
  queue: { code: ['compat', 'wire', 'job', 'system', 'async', 'errors.ts'] },
  execute: { code: ['job', 'system', 'async', 'errors.ts'] },
  compat: { code: ['wire', 'job', 'errors.ts'] },
  wire: { code: ['job', 'async', 'errors.ts'] },
  job: { code: ['errors.ts'] },
  system: { code: ['async', 'errors.ts'] },
  async: { code: ['errors.ts'] },
  'errors.ts': { code: [] },
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typesOnly: boolean;
}

/** The top-level folder of src/ that contains a file, or the file itself if it is in none. */
function roomOf(file: string): string {
  return file.split('/')[0] as string;
}

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
}

/** Imports and re-exports of our own files, static and dynamic. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const statements = [
    ...text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'(\.[^']+)'/gm),
    ...text.matchAll(/\bimport\(()()'(\.[^']+)'\)/g),
  ];
  return statements.map(([, type, names = '', path]) => ({
    from: file,
    to: relative(SRC, resolve(SRC, dirname(file), path as string)).replace(/\.js$/, '.ts'),
    typesOnly: type !== undefined && type !== '' ? true : /^\{(\s*type\s+[^,}]+,?)+\s*\}$/.test(names.trim()),
  }));
}

const imports = sourceFiles().flatMap(importsOf);

describe('the layout', () => {
  it('has a place for every file', () => {
    expect([...new Set(sourceFiles().map(roomOf))].filter(room => !(room in LAYOUT))).toEqual([]);
  });

  it('finds the imports it checks', () => {
    expect(imports.length).toBeGreaterThan(sourceFiles().length);
    expect(imports).toContainEqual({ from: 'run/runner.ts', to: 'queue/queue.ts', typesOnly: true });
    expect(imports).toContainEqual({ from: 'cli/runmaker.ts', to: 'run/runner.ts', typesOnly: false });
    const files = new Set(sourceFiles());
    expect(imports.filter(({ to }) => !files.has(to))).toEqual([]);
  });

  it.each(Object.keys(LAYOUT))('lets %s import only from below', room => {
    const { code, types = [] } = LAYOUT[room] as (typeof LAYOUT)[string];
    const wrong = imports
      .filter(({ from, to }) => roomOf(from) === room && roomOf(to) !== room)
      .filter(({ to, typesOnly }) => !code.includes(roomOf(to)) && !(typesOnly && types.includes(roomOf(to))));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('lets only a program ask for one kind of queue: all else uses the contract', () => {
    const wrong = imports.filter(({ from, to }) => /^queue\/.*\//.test(to) && !['queue', 'cli'].includes(roomOf(from)));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('keeps the kinds of queue apart, and the kinds of executor', () => {
    const kindOf = (file: string): string | undefined => /^(queue|execute)\/([^/]+)\//.exec(file)?.[2];
    const wrong = imports.filter(({ from, to }) => {
      const [mine, other] = [kindOf(from), kindOf(to)];
      return mine !== undefined && other !== undefined && roomOf(from) === roomOf(to) && mine !== other;
    });
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('keeps the job code pure: no files, clock or processes', () => {
    const impure = sourceFiles()
      .filter(file => roomOf(file) === 'job')
      .filter(file => /from '(?:node:)?(?:fs|child_process|timers|net|os|process)\b/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(impure).toEqual([]);
  });

  it('has no import circles, type imports included', () => {
    const needs = new Map<string, string[]>();
    for (const { from, to } of imports) needs.set(from, [...(needs.get(from) ?? []), to]);
    expect(circlesOf(needs).map(circle => circle.join(', '))).toEqual([]);
  });
});

/** Groups of files that all import each other (strongly connected components; Tarjan's algorithm). */
function circlesOf(needs: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const reached = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string): number => {
    const place = reached.size;
    reached.set(file, place);
    open.push(file);
    let lowest = place;
    for (const next of needs.get(file) ?? []) {
      if (!reached.has(next)) lowest = Math.min(lowest, visit(next));
      else if (open.includes(next)) lowest = Math.min(lowest, reached.get(next) as number);
    }
    if (lowest === place) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1 || needs.get(file)?.includes(file)) circles.push(circle.sort());
    }
    return lowest;
  };
  for (const file of needs.keys()) if (!reached.has(file)) visit(file);
  return circles;
}

it('finds import circles, also those across several files', () => {
  const needs = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
    ['e', ['e']],
    ['f', ['a']],
  ]);
  expect(circlesOf(needs)).toEqual([['a', 'b', 'c'], ['e']]);
});

describe('the launchers', () => {
  it('are only a few lines each', () => {
    const bin = fileURLToPath(new URL('../bin/', import.meta.url));
    for (const name of readdirSync(bin)) expect(readFileSync(join(bin, name), 'utf8').split('\n').length).toBeLessThan(12);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/**
 * The layout, as CONTRIBUTING.md has it: what each folder may use. Arrows go down only; folders beside each other do not know each other.
 * What is only a type (`types`) may come from further up than code: reports listen to runs.
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

/** The folder right below src/ that a file is in, or the file itself if it is in none. */
function roomOf(file: string): string {
  return file.split('/')[0] as string;
}

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
}

/** Imports of our own files, static and dynamic, and what is exported on from them. */
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

  it('is read whole: the imports that are looked for are found', () => {
    expect(imports.length).toBeGreaterThan(sourceFiles().length);
    expect(imports).toContainEqual({ from: 'run/runner.ts', to: 'queue/queue.ts', typesOnly: true });
    expect(imports).toContainEqual({ from: 'cli/runmaker.ts', to: 'run/runner.ts', typesOnly: false });
    const files = new Set(sourceFiles());
    expect(imports.filter(({ to }) => !files.has(to))).toEqual([]);
  });

  it.each(Object.keys(LAYOUT))('%s uses only what stands below it', room => {
    const { code, types = [] } = LAYOUT[room] as (typeof LAYOUT)[string];
    const wrong = imports
      .filter(({ from, to }) => roomOf(from) === room && roomOf(to) !== room)
      .filter(({ to, typesOnly }) => !code.includes(roomOf(to)) && !(typesOnly && types.includes(roomOf(to))));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('knows queues by their contract: only a program may ask for one kind of them', () => {
    const wrong = imports.filter(({ from, to }) => /^queue\/.*\//.test(to) && !['queue', 'cli'].includes(roomOf(from)));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('keeps one kind of queue from another, and one kind of executor', () => {
    const kindOf = (file: string): string | undefined => /^(queue|execute)\/([^/]+)\//.exec(file)?.[2];
    const wrong = imports.filter(({ from, to }) => {
      const [mine, other] = [kindOf(from), kindOf(to)];
      return mine !== undefined && other !== undefined && roomOf(from) === roomOf(to) && mine !== other;
    });
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('has pure rooms: what a job is needs no file, clock or process', () => {
    const impure = sourceFiles()
      .filter(file => roomOf(file) === 'job')
      .filter(file => /from '(?:node:)?(?:fs|child_process|timers|net|os|process)\b/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(impure).toEqual([]);
  });

  it('has no circles: no file needs itself by way of others, not even for types', () => {
    const needs = new Map<string, string[]>();
    for (const { from, to } of imports) needs.set(from, [...(needs.get(from) ?? []), to]);
    expect(circlesOf(needs).map(circle => circle.join(', '))).toEqual([]);
  });
});

/** Groups of files that all need each other (strongly connected components; Tarjan's algorithm). */
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

it('finds circles, also those that lead over several files', () => {
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
  it('are a few lines each', () => {
    const bin = fileURLToPath(new URL('../bin/', import.meta.url));
    for (const name of readdirSync(bin)) expect(readFileSync(join(bin, name), 'utf8').split('\n').length).toBeLessThan(12);
  });
});

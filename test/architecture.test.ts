import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/**
 * The house, as CONTRIBUTING.md has it: what each folder may use. Arrows go down only; folders beside each other do not know each other.
 * What is only a type (`types`) may be wanted from further up than code: reports listen to runs.
 */
const HOUSE: Readonly<Record<string, { readonly code: readonly string[]; readonly types?: readonly string[] }>> = {
  'index.ts': { code: ['run', 'queue', 'execute', 'job', 'system', 'errors.ts'], types: ['report', 'server'] },
  cli: { code: ['server', 'report', 'run', 'queue', 'execute', 'wire', 'job', 'system', 'errors.ts'] },
  server: { code: ['queue', 'compat', 'wire', 'job', 'system', 'errors.ts'], types: ['run'] },
  report: { code: ['job', 'system', 'errors.ts'], types: ['run', 'execute'] },
  run: { code: ['queue', 'execute', 'job', 'system', 'errors.ts'] },
  queue: { code: ['compat', 'wire', 'job', 'system', 'errors.ts'] },
  execute: { code: ['job', 'system', 'errors.ts'] },
  compat: { code: ['job', 'errors.ts'] },
  wire: { code: ['job', 'errors.ts'] },
  job: { code: ['errors.ts'] },
  system: { code: ['errors.ts'] },
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

describe('the house', () => {
  it('has a place for every file', () => {
    expect([...new Set(sourceFiles().map(roomOf))].filter(room => !(room in HOUSE))).toEqual([]);
  });

  it('is read whole: the imports that are looked for are found', () => {
    expect(imports.length).toBeGreaterThan(sourceFiles().length);
    expect(imports).toContainEqual({ from: 'run/runner.ts', to: 'queue/queue.ts', typesOnly: true });
    expect(imports).toContainEqual({ from: 'cli/runmaker.ts', to: 'run/runner.ts', typesOnly: false });
    const files = new Set(sourceFiles());
    expect(imports.filter(({ to }) => !files.has(to))).toEqual([]);
  });

  it.each(Object.keys(HOUSE))('%s uses only what stands below it', room => {
    const { code, types = [] } = HOUSE[room] as (typeof HOUSE)[string];
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

  it('has no circles: no file needs itself by way of others', () => {
    const needs = new Map<string, string[]>();
    for (const { from, to, typesOnly } of imports) if (!typesOnly) needs.set(from, [...(needs.get(from) ?? []), to]);
    const circles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
        return;
      }
      if (walked.has(file)) return;
      for (const next of needs.get(file) ?? []) walk(next, [...path, file]);
      walked.add(file);
    };
    const walked = new Set<string>();
    for (const file of needs.keys()) walk(file, []);
    expect(circles).toEqual([]);
  });
});

describe('the launchers', () => {
  it('are a few lines each', () => {
    const bin = fileURLToPath(new URL('../bin/', import.meta.url));
    for (const name of readdirSync(bin)) expect(readFileSync(join(bin, name), 'utf8').split('\n').length).toBeLessThan(12);
  });
});

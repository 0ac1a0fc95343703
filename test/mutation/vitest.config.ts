import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { tags } from '../support/tags.js';
import { instrument, type Mutant } from './instrument.js';

/**
 * Changes the code in thousands of small ways and checks that a test notices: npm run mutation
 * One folder or file: MUTATE=job/readiness npm run mutation -- test/job/readiness.test.ts
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const src = join(root, 'src/');
/** The code that decides without effects; the rest waits for files and processes, and takes hours. */
const PURE =
  /^(job\/|run\/(resources|stopping)\/|queue\/file\/(presence\/(claim-rank|absence-tracker)|reading\/(offsets|scan|fingerprint|unfinished-line|print-jobs|count-jobs|plan-jobs)|claiming\/find-line|patience))/;
const wanted = process.env.MUTATE === undefined ? PURE : new RegExp(process.env.MUTATE);

process.env.MUTATION_LOG = join(tmpdir(), `runmaker-mutation-${process.pid}.jsonl`);
writeFileSync(process.env.MUTATION_LOG, '');
const mutants = new Map<string, Mutant>();

function report(): void {
  const lines = readFileSync(process.env.MUTATION_LOG as string, 'utf8')
    .split('\n')
    .filter(Boolean);
  const notes = lines.map(line => JSON.parse(line) as { killed?: string; reached?: string[]; test?: string });
  const killed = new Set(notes.flatMap(note => note.killed ?? []));
  const reached = new Set(notes.flatMap(note => note.reached ?? []));
  const fileOf = ({ id }: Mutant): string => id.split('#')[0] as string;
  for (const file of [...new Set([...mutants.values()].map(fileOf))].sort()) {
    const all = [...mutants.values()].filter(mutant => fileOf(mutant) === file);
    process.stdout.write(`${file}: ${all.filter(({ id }) => killed.has(id)).length} of ${all.length} killed\n`);
    for (const { id, line, what } of all)
      if (!killed.has(id)) process.stdout.write(`  ${line}: ${what}${reached.has(id) ? '' : ' (not reached)'}\n`);
  }
  for (const { test } of notes) if (test !== undefined) process.stdout.write(`cannot be repeated, so it kills nothing: ${test}\n`);
  process.stdout.write(`\n${killed.size} of ${mutants.size} mutants killed (${((100 * killed.size) / mutants.size).toFixed(1)} %)\n`);
  rmSync(process.env.MUTATION_LOG as string);
}

export default defineConfig({
  plugins: [
    {
      name: 'mutants',
      enforce: 'pre',
      transform(code, id) {
        // A hundred cases instead of a thousand kill almost as many mutants, in a tenth of the time.
        if (id.includes('.test.ts')) return { code: code.replace(/(?<=numRuns: )\d{3,}/g, '100'), map: null };
        const file = relative(src, id.split('?')[0] as string);
        if (!file.endsWith('.ts') || file.startsWith('..') || !wanted.test(file)) return null;
        const instrumented = instrument(code, file);
        for (const mutant of instrumented.mutants) mutants.set(mutant.id, mutant);
        return { code: instrumented.code, map: null };
      },
    },
  ],
  test: {
    root,
    include: ['test/{job,run,queue/file}/**/*.test.ts'],
    tags,
    runner: './test/mutation/runner.ts',
    setupFiles: ['./test/mutation/setup.ts'],
    testTimeout: 3_600_000,
    maxWorkers: 2,
    reporters: ['dot', { onTestRunEnd: report }],
  },
});

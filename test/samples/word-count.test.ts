import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Ended, run } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';

const SAMPLE = fileURLToPath(new URL('../../samples/run-word-count.js', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const TEXTS = fileURLToPath(new URL('../../samples/word-count/texts/', import.meta.url));

/** Runs the sample with its work folder in a folder that is removed after the test. */
function runSample(folder: string): Promise<Ended> {
  return run(process.execPath, [SAMPLE, folder], { env: { TMPDIR: temporaryFolder() } });
}

/** A file in the folder that the sample names. */
function readResult(name: string, { stdout }: Ended): string {
  const folder = /^files: +(\S+)/m.exec(stdout)?.[1] ?? '';
  return readFileSync(`${folder}/${name}`, 'utf8');
}

describe('the word count sample', () => {
  it('counts the words of all texts, and merges the counts only after the barrier', async () => {
    const ended = await runSample(TEXTS);
    expect(ended).toMatchObject({ status: 0, stderr: '' });

    const lines = readResult('runs.txt', ended).trimEnd().split('\n');
    expect(lines.map(line => line.slice(0, 3))).toEqual(['d {', 'd {', 'd {', 'd {', '---', 'd a']);

    // As counted by another program from the same texts.
    const frequent = '12 the, 10 a, 9 is, 9 job, 4 and, 4 can, 4 file, 3 has, 3 of';
    const twice = ['done', 'dot', 'first', 'it', 'jobs', 'line', 'no', 'read', 'state', 'user', 'when', 'who'];
    const once = `above an barrier below change character d ended every failed for gone its last lost new queue r run running
      second starts states text third this twice wait write`.split(/\s+/);
    const table = readResult('words.txt', ended).trimEnd().split('\n');
    expect(table).toEqual([...frequent.split(', '), ...twice.map(word => `2 ${word}`), ...once.map(word => `1 ${word}`)]);
  });

  it('prints the ten most frequent words', async () => {
    const { stdout } = await runSample(TEXTS);
    const lines = stdout.split('\n');
    const title = lines.indexOf('all done; the most frequent words of 4 files:');
    const rows = lines.slice(title + 1, title + 11).map(row => row.trim());
    expect(rows).toEqual(['12 the', '10 a', '9 is', '9 job', '4 and', '4 can', '4 file', '3 has', '3 of', '2 done']);
  });

  it('keeps its output readable, and names the command that removes its files', async () => {
    const { status, stdout } = await run('npm', ['start'], { cwd: PACKAGE, env: { TMPDIR: temporaryFolder() } });
    expect(status).toBe(0);
    expect(stdout.split('\n').length).toBeLessThan(40);

    const [, folder = '', command = ''] = /^files: +(\S+) .*\nto remove: +(.*)$/m.exec(stdout) ?? [];
    expect(existsSync(`${folder}/words.txt`)).toBe(true);
    await run('sh', ['-c', command]);
    expect(existsSync(folder)).toBe(false);
  });

  it('rejects a folder that is missing or holds no text', async () => {
    const folder = temporaryFolder();
    expect(await runSample(`${folder}/nowhere`)).toMatchObject({ status: 2, stderr: `${folder}/nowhere is not a folder\n` });
    expect(await runSample(folder)).toMatchObject({ status: 2, stderr: `there are no text files below ${folder}\n` });
  });
});

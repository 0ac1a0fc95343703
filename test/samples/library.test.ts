import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { run } from '../support/programs.js';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

/** The indented blocks of the chapter about the library: a program, and what it prints. */
function example(): { program: string; output: string } {
  const readme = readFileSync(`${PACKAGE}README.md`, 'utf8');
  const chapter = /^## As a library\n(.*?)^## /ms.exec(readme)?.[1] ?? '';
  const [program = '', output = ''] = chapter.split(/^(?! {4}|$).*$/m).filter(block => block.trim() !== '');
  const asCode = (block: string) => `${block.replace(/^ {4}/gm, '').trim()}\n`;
  return { program: asCode(program), output: asCode(output) };
}

it('the example of the README prints what is written below it', async () => {
  const bench = new Workbench('');
  const { program, output } = example();
  expect(program).toContain("from 'runmaker'");
  writeFileSync(bench.path('example.mjs'), program);
  mkdirSync(bench.path('node_modules'));
  symlinkSync(PACKAGE, bench.path('node_modules/runmaker'));
  const { status, stdout, stderr } = await run(process.execPath, ['example.mjs'], { cwd: bench.folder });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: output, stderr: '' });
});

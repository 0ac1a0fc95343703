import { expect, it } from 'vitest';
import { type Program, startProgram } from '../support/programs.js';
import { readPage } from './markdown.js';

const PAGES: [Program, string][] = [
  ['runmaker', 'docs/runmaker.md'],
  ['runset', 'docs/runset.md'],
  ['runwait', 'docs/runwait.md'],
  ['runmaker-server', 'docs/tcp.md'],
];

it.each(PAGES)('every option of %s has an entry on its page, which its help names', async (program, path) => {
  const { stdout } = await startProgram(program, ['--help']).ended;
  const columns = [...stdout.matchAll(/^ {2}(-.*?)(?: {2}|$)/gm)].map(([, flags = '']) => flags);
  const options = columns.flatMap(flags => flags.match(/--[\w-]+/g) ?? []);
  const { text } = readPage(path);
  expect(options.filter(option => !text.includes(option))).toEqual([]);
  expect(options).toContain('--locks');
  expect(stdout).toContain(`More in ${path}.\n`);
});

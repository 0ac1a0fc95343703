import { expect, it } from 'vitest';
import { type Program, startProgram } from '../support/programs.js';
import { readPage } from './markdown.js';

const PAGES: [Program, string][] = [
  ['runmaker', 'docs/runmaker.md'],
  ['runset', 'docs/runset.md'],
  ['runwait', 'docs/runwait.md'],
  ['runmaker-server', 'docs/tcp.md'],
];

it.each(PAGES)('every option of %s is on its page, which its help names', async (program, path) => {
  const { stdout } = await startProgram(program, ['--help']).ended;
  const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = '']) => option);
  const { text } = readPage(path);
  expect(options.filter(option => !text.includes(option))).toEqual([]);
  expect(options).toContain('--locks');
  expect(stdout).toContain(`More in ${path}.\n`);
});

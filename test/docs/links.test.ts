import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchors, localLinks, PACKAGE, readPage, sources, userPages } from './markdown.js';

const pages = [...userPages(), ...['CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'bench/README.md'].map(readPage)];

describe.each(pages.map(page => [page.path, page] as const))('%s', (_path, page) => {
  it('links only to files and headings that exist', () => {
    const broken = localLinks(page).filter(({ path, anchor }) => {
      if (!existsSync(join(PACKAGE, path))) return true;
      return anchor !== undefined && !anchors(readPage(path)).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('the README', () => {
  const readme = readPage('README.md');

  it('is short enough to read in one go', () => {
    expect(readme.text.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  it('links to each page of docs/', () => {
    const linked = new Set(localLinks(readme).map(({ path }) => path));
    expect(userPages().filter(page => page !== readme && page.path !== 'README.md' && !linked.has(page.path))).toEqual([]);
  });

  it('says how to try and how to test the program', () => {
    expect(readme.text).toContain('\nnpm ci && npm start\nnpm ci && npm test\n');
  });
});

it('the package includes the pages', () => {
  const { files } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { files: string[] };
  expect(files).toContain('docs');
});

describe('CONTRIBUTING.md', () => {
  const { text } = readPage('CONTRIBUTING.md');

  it('names only files and folders that exist', () => {
    const paths = [...text.matchAll(/(?<![\w/.])((?:src|test|bench|docs)\/[\w./-]*\w\/?)/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter(path => !existsSync(join(PACKAGE, path)))).toEqual([]);
  });

  it('names only methods that exist', () => {
    const methods = [...text.matchAll(/`([A-Z]\w+)\.(\w+)`/g)].map(([, type = '', method = '']) => ({ type, method }));
    const files = sources();
    expect(methods.length).toBeGreaterThan(10);
    expect(
      methods.filter(({ type, method }) => !files.some(file => file.includes(`class ${type} `) && file.includes(` ${method}(`))),
    ).toEqual([]);
  });
});

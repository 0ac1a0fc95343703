/** Parses the pages of the documentation: their code blocks with the marks before them, their headings and their links. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block. Marks are the HTML comments directly before it, such as `<!-- exits: 1 -->`: a name and perhaps a value. */
export interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly marks: readonly Mark[];
}

export interface Mark {
  readonly name: string;
  readonly value: string;
}

export interface Page {
  /** Its path from the root of the package. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export function readPage(path: string): Page {
  const text = readFileSync(join(PACKAGE, path), 'utf8');
  return { path, text, blocks: blocksOf(text) };
}

/** README.md and all pages of docs/. */
export function userPages(): Page[] {
  const names = readdirSync(join(PACKAGE, 'docs')).filter(name => name.endsWith('.md'));
  return ['README.md', ...names.map(name => `docs/${name}`)].map(readPage);
}

const BLOCK = /((?:^<!--(?:(?!-->)[\s\S])*-->\n)*)^```(\S*)\n([\s\S]*?)^```$/gm;

function blocksOf(text: string): Block[] {
  return [...text.matchAll(BLOCK)].map(({ index, 1: marks = '', 2: language = '', 3: code = '' }) => ({
    line: `${text.slice(0, index)}${marks}`.split('\n').length,
    language,
    text: code,
    marks: [...marks.matchAll(/<!-- ([\w ]*\w)(?:: ([\s\S]*?))?\s*-->/g)].map(([, name = '', value = '']) => ({ name, value })),
  }));
}

export function markOf(block: Block, name: string): string | undefined {
  return block.marks.find(mark => mark.name === name)?.value;
}

/** A page without its code blocks, which hold no headings or links. */
export function prose(page: Page): string {
  return page.text.replace(BLOCK, '').replace(/`[^`\n]*`/g, code => code.replace(/[[\]()]/g, '·'));
}

/** The anchor of a heading (after `#` in a link), as hosting services generate it. */
export function anchors(page: Page): Set<string> {
  const headings = page.text.replace(BLOCK, '').matchAll(/^#+ (.*)$/gm);
  const seen = new Map<string, number>();
  return new Set(
    [...headings].map(([, heading = '']) => {
      const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const slug = words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/ /g, '-');
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

/** A page's links to files of the package: the path from its root, and the anchor if there is one. */
export function localLinks(page: Page): { path: string; anchor: string | undefined }[] {
  const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter(target => !/^[a-z]+:/.test(target))
    .map(target => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page.path : relative(PACKAGE, join(PACKAGE, dirname(page.path), file));
      return { path, anchor };
    });
}

/** The texts of all source files. */
export function sources(): string[] {
  const names = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' });
  return names.filter(name => name.endsWith('.ts')).map(name => readFileSync(join(PACKAGE, 'src', name), 'utf8'));
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE, prose, readPage } from './markdown.js';

function sources(): string {
  const names = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' });
  return names
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(join(PACKAGE, 'src', name), 'utf8'))
    .join('\n');
}

it('the messages that troubleshooting explains are those that the programs print', () => {
  const quoted = [...prose(readPage('docs/troubleshooting.md')).matchAll(/"([a-z][^"]{10,})"/g)].map(([, text = '']) =>
    text.replace(/\s+/g, ' '),
  );
  const code = sources();
  expect(quoted.length).toBeGreaterThan(3);
  expect(quoted.filter(message => !code.includes(message))).toEqual([]);
});

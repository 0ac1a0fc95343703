import { expect, it } from 'vitest';
import { prose, readPage, sources } from './markdown.js';

it('the messages that troubleshooting explains are those that the programs print', () => {
  const quoted = [...prose(readPage('docs/troubleshooting.md')).matchAll(/"([a-z][^"]{10,})"/g)].map(([, text = '']) =>
    text.replace(/\s+/g, ' '),
  );
  const code = sources().join('\n');
  expect(quoted.length).toBeGreaterThan(3);
  expect(quoted.filter(message => !code.includes(message))).toEqual([]);
});

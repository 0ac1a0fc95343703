import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE, prose, readPage, sources } from './markdown.js';

it('troubleshooting explains exactly messages that the programs print', () => {
  const quoted = [...prose(readPage('docs/troubleshooting.md')).matchAll(/"([a-z][^"]{10,})"/g)].map(([, text = '']) =>
    text.replace(/\s+/g, ' '),
  );
  const code = sources().join('\n');
  expect(quoted.length).toBeGreaterThan(3);
  expect(quoted.filter(message => !code.includes(message))).toEqual([]);
});

it('every directive has an entry on its page', () => {
  const grammar = readFileSync(join(PACKAGE, 'src/job/directives.ts'), 'utf8');
  const keys = [...grammar.matchAll(/^ {2}(\w+): \{ takes: /gm)].map(([, key = '']) => key);
  const { text } = readPage('docs/directives.md');
  expect(keys).toContain('cpus');
  expect(keys.filter(key => !text.includes(`\`${key}=`))).toEqual([]);
});

it('every event of --json has an entry on its page', () => {
  const types = readFileSync(join(PACKAGE, 'src/report/json/json-event.ts'), 'utf8');
  const events = [...types.matchAll(/readonly event: '(\w+)'/g)].map(([, event = '']) => event);
  const { text } = readPage('docs/records.md');
  expect(events).toContain('summary');
  expect(events.filter(event => !text.includes(`\n| \`${event}\` |`))).toEqual([]);
});

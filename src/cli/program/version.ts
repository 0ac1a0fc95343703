import { readFileSync } from 'node:fs';

/** The package's version. Programs run as bundles in dist/programs/, from where the path is. */
export function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

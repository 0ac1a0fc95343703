import { readFileSync } from 'node:fs';

/** The package's version. The path is relative to dist/programs/, where the bundles are. */
export function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

import { existsSync } from 'node:fs';
import path from 'node:path';
import { nameForScpStyle } from './address.js';

/** The queue name for a repository given in another form; undefined when the text does not look like a repository. */
export function suggestAddress(text: string): string | undefined {
  return existsSync(text) ? nameForPath(text, true) : (nameForScpStyle(text) ?? nameForPath(text, false));
}

function nameForPath(text: string, isThere: boolean): string | undefined {
  const [, prefix, folder, file] = /^(git\+(?=[^#]*\/))?([^#]+)(#.+)?$/.exec(text) ?? [];
  if (folder === undefined || (isThere && folder !== text)) return undefined;
  if (existsSync(path.join(folder, '.git'))) return `git:${folder}${file ?? ''}`;
  const seemsOne = prefix !== undefined || (file !== undefined && folder.endsWith('.git'));
  if (!isBareRepository(folder) && !seemsOne) return undefined;
  return `git+file://${path.resolve(folder).replace(/[%?]/g, encodeURIComponent)}${file ?? '#runs.txt'}`;
}

/** Whether a folder is itself a repository, without files. */
export function isBareRepository(folder: string): boolean {
  return existsSync(path.join(folder, 'HEAD')) && existsSync(path.join(folder, 'objects'));
}

import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { RunmakerError } from '../../errors.js';
import { Git } from './plumbing/git.js';

/**
 * A path of the repository, relative to its top. May be given so, or absolute inside a checkout.
 * @param clone the top of the checkout that an absolute path must be in; any checkout when unknown
 * @param what for messages: `the results folder`
 * @throws RunmakerError `usage` for a path outside of the repository
 */
export async function repositoryPath(text: string, clone: string | undefined, what: string): Promise<string> {
  const relative = path.isAbsolute(text) ? await insideCheckout(text, clone) : text;
  const parts = (relative ?? '').replace(/\/+$/, '').split('/');
  if (parts[0] === '.') parts.shift();
  if (parts.length > 0 && parts.every(part => part !== '' && part !== '..' && part !== '.' && part !== '.git')) return parts.join('/');
  throw new RunmakerError('usage', `${what} ${JSON.stringify(text)} is not in the repository`, {
    hint: 'name it by its path from the top of the repository, such as results, or by an absolute path inside a checkout of it',
  });
}

async function insideCheckout(text: string, clone: string | undefined): Promise<string | undefined> {
  let folder = path.normalize(text);
  while (!existsSync(folder)) folder = path.dirname(folder);
  const real = path.join(realpathSync(folder), path.relative(folder, path.normalize(text)));
  const top = clone === undefined ? await topOf(folder) : realpathSync(clone);
  if (top === undefined) return undefined;
  return path.relative(top, real);
}

/** The top of the checkout that a file or folder is in. */
async function topOf(place: string): Promise<string | undefined> {
  for (const folder of [place, path.dirname(place)]) {
    const { status, stdout } = await new Git(folder).attempt(['rev-parse', '--show-toplevel']).catch(() => ({ status: 1, stdout: '' }));
    const top = stdout.toString().trimEnd();
    if (status === 0 && top !== '') return top;
  }
  return undefined;
}

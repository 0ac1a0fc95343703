import { existsSync } from 'node:fs';
import { RunmakerError } from '../errors.js';
import { nameForServer } from '../wire/address.js';
import { suggestAddress } from './git/suggest-address.js';
import { kindOf, refuseLostOptions } from './kinds.js';
import type { OpenOptions, Queue } from './queue.js';

/**
 * Opens the queue that a path or URL names.
 * @throws RunmakerError `input` when there is no such queue, `queue` when it cannot be reached, `usage` for a URL of an unknown kind and
 *   for options that mean nothing to the queue's kind
 */
export async function openQueue(name: string, options: OpenOptions = {}): Promise<Queue> {
  const kind = kindOf(name);
  if (kind.name === 'file') refuseMeant(name);
  refuseLostOptions(name, options);
  return await kind.open(name, options);
}

/** A path that names no file may have been meant as another kind of queue. */
function refuseMeant(name: string): void {
  const [overGit, atServer] = [suggestAddress(name), existsSync(name) ? undefined : nameForServer(name)];
  if (overGit !== undefined)
    throw new RunmakerError('usage', `${name} is no file, and no name of a queue over git`, { hint: `write ${overGit}` });
  if (atServer !== undefined) throw new RunmakerError('usage', `${name} is no file`, { hint: `for a server write ${atServer}` });
}

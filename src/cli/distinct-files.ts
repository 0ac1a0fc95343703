import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { RunmakerError } from '../errors.js';

/**
 * Refuses names that lead to the same file: records that overwrite each other, or the queue, are lost, and so is the queue.
 *
 * @param files names by purpose; undefined for files not in use
 * @throws RunmakerError `usage`
 */
export async function refuseSameFile(files: Readonly<Record<string, string | undefined>>): Promise<void> {
  const seen = new Map<string, string>();
  for (const [role, name] of Object.entries(files)) {
    if (name === undefined) continue;
    for (const key of [await placeOf(name), await identityOf(name)]) {
      if (key === undefined) continue;
      const other = seen.get(key);
      if (other !== undefined && other !== role)
        throw new RunmakerError('usage', `${role} ${name} is the same file as ${other}`, { hint: 'give each a file of its own' });
      seen.set(key, role);
    }
  }
}

/** Where a name leads, even if nothing exists there yet. */
async function placeOf(name: string): Promise<string> {
  const absolute = path.resolve(name);
  const folder = () => realpath(path.dirname(absolute)).then(real => path.join(real, path.basename(absolute)));
  return await realpath(name)
    .catch(folder)
    .catch(() => absolute);
}

/** Device and inode, which hard links share; in full, because rounding can make two files look like one. */
async function identityOf(name: string): Promise<string | undefined> {
  const facts = await stat(name, { bigint: true }).catch(() => undefined);
  return facts && `${facts.dev}:${facts.ino}`;
}

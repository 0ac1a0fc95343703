import { readdir } from 'node:fs/promises';

/** Repositories that lie in another one, as a job may make or clone them. */
export interface Repositories {
  /** Their paths. */
  readonly repositories: string[];
  /** The paths of their files and symbolic links, all but those that git keeps for itself. */
  readonly files: Buffer[];
}

/**
 * Finds repositories below a folder.
 * @param root what the paths are relative to · @param folder a path below it
 */
export async function findRepositories(root: string, folder: string): Promise<Repositories> {
  const found: Repositories = { repositories: [], files: [] };
  await search(Buffer.from(`${root}/`), Buffer.from(folder), false, found);
  return found;
}

async function search(root: Buffer, folder: Buffer, inside: boolean, found: Repositories): Promise<void> {
  // Names are bytes: they need not be UTF-8.
  const entries = await readdir(Buffer.concat([root, folder]), { withFileTypes: true, encoding: 'buffer' });
  const isOne = entries.some(({ name }) => isGits(name));
  if (isOne && !inside) found.repositories.push(folder.toString());
  for (const entry of entries) {
    if (isGits(entry.name)) continue;
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) await search(root, path, inside || isOne, found);
    // Nothing else can be put into git: a pipe, a socket.
    else if ((inside || isOne) && (entry.isFile() || entry.isSymbolicLink())) found.files.push(path);
  }
}

function isGits(name: Buffer): boolean {
  return name.toString('latin1') === '.git';
}

import { lstat, readdir } from 'node:fs/promises';
import { errnoName } from '../../../errors.js';

/** A file or a symbolic link as it was found. */
export interface Found {
  readonly kind: 'file' | 'link';
  readonly isExecutable: boolean;
  /** Changes when the file is written or replaced. */
  readonly stamp: string;
}

/**
 * The content of a folder, by path. Names are bytes, and need not be UTF-8: each is written as Latin-1. Repositories in it count as
 * ordinary folders, without git's own files. Pipes and sockets are omitted: git has no such type.
 * @param root base of the paths · @param folder a path below it · @param except a file that does not count
 */
export async function scanFolder(root: string, folder: string, except: string): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  await search(Buffer.from(`${root}/`), Buffer.from(folder), found);
  found.delete(Buffer.from(except).toString('latin1'));
  return found;
}

async function search(root: Buffer, folder: Buffer, found: Map<string, Found>): Promise<void> {
  const entries = await readdir(Buffer.concat([root, folder]), { withFileTypes: true, encoding: 'buffer' });
  for (const entry of entries) {
    if (entry.name.toString('latin1') === '.git') continue;
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) await search(root, path, found);
    else if (entry.isFile() || entry.isSymbolicLink()) await look(root, path, found);
  }
}

async function look(root: Buffer, path: Buffer, found: Map<string, Found>): Promise<void> {
  try {
    const { ino, size, mode, mtimeNs, ctimeNs } = await lstat(Buffer.concat([root, path]), { bigint: true });
    const kind = (mode & 0o170000n) === 0o120000n ? 'link' : 'file';
    found.set(path.toString('latin1'), { kind, isExecutable: (mode & 0o100n) !== 0n, stamp: [ino, size, mode, mtimeNs, ctimeNs].join() });
  } catch (error) {
    // A background process of a job has removed it.
    if (errnoName(error) !== 'ENOENT') throw error;
  }
}

import { chmod, readdir, rm } from 'node:fs/promises';
import { errnoName } from '../../../errors.js';

const OWNER = 0o700;

/** Removes a folder and all of its content, even if read-only, as the caches of some tools are. */
export async function removeFolder(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errnoName(error) ?? '')) throw error;
    await open(Buffer.from(directory));
    await rm(directory, { recursive: true, force: true });
  }
}

/** Makes all folders below one writable, so that their entries can be removed. */
async function open(folder: Buffer): Promise<void> {
  await chmod(folder, OWNER);
  // Names are bytes: they need not be UTF-8.
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await open(Buffer.concat([folder, Buffer.from('/'), entry.name]));
  }
}

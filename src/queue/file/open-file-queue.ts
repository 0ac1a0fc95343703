import { RunmakerError } from '../../errors.js';
import { localDisk, networkFilesystem } from '../../system/disk.js';
import type { LockDriverName, OpenOptions, Queue } from '../queue.js';
import { explain } from './explain.js';
import { FileQueue } from './file-queue.js';
import type { LockDriver } from './locks/lock-driver.js';

/** Opens a runs file as a queue. The file must be there; whether it can be written shows when it is. */
export async function openFileQueue(path: string, { locks = 'record', patience }: OpenOptions = {}): Promise<Queue> {
  try {
    if (path === '') throw new RunmakerError('usage', 'the name of the queue is empty');
    const facts = await localDisk.factsAt(path);
    if (!facts.isFile) {
      throw new RunmakerError('input', `${path} is not a regular file`, { hint: 'a queue is a text file, one line a job: ". command"' });
    }
    return new FileQueue(path, await lockDriver(locks, path), patience);
  } catch (error) {
    throw explain(path, error);
  }
}

/** Each driver brings its own library: only the one that is used is loaded. */
async function lockDriver(name: LockDriverName, path: string): Promise<LockDriver> {
  switch (name) {
    case 'record':
      return (await import('./locks/record.js')).recordDriver(networkFilesystem(path) !== undefined);
    case 'file':
      return (await import('./locks/file.js')).fileDriver();
    case 'directory':
      return (await import('./locks/directory.js')).directoryDriver();
  }
}

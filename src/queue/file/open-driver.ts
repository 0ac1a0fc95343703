import { networkFilesystem } from '../../system/disk.js';
import type { LockDriverName } from '../queue.js';
import type { LockDriver } from './locks/lock-driver.js';
import { recordDriver } from './locks/record.js';

/** Opens a lock driver. The two that bring a library of their own, and are seldom used, are loaded only then. */
export async function openDriver(name: LockDriverName, path: string): Promise<LockDriver> {
  switch (name) {
    case 'record':
      return recordDriver((await networkFilesystem(path)) !== undefined);
    case 'file':
      return (await import('./locks/file.js')).fileDriver();
    case 'directory':
      return (await import('./locks/directory.js')).directoryDriver((await networkFilesystem(path)) === 'NFS');
  }
}

import { networkFilesystem } from '../../system/disk.js';
import type { LockDriverName } from '../queue.js';
import type { LockDriver } from './locks/lock-driver.js';

/** Loads a lock driver. Each brings its own library: only the one that is used is loaded. */
export async function openDriver(name: LockDriverName, path: string): Promise<LockDriver> {
  switch (name) {
    case 'record':
      return (await import('./locks/record.js')).recordDriver((await networkFilesystem(path)) !== undefined);
    case 'file':
      return (await import('./locks/file.js')).fileDriver();
    case 'directory':
      return (await import('./locks/directory.js')).directoryDriver((await networkFilesystem(path)) === 'NFS');
  }
}

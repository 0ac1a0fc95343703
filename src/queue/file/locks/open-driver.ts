import { networkFilesystem } from '../../../system/disk.js';
import type { LockDriverName } from '../../queue.js';
import type { LockDriver } from './lock-driver.js';
import { recordDriver } from './record.js';

/** Opens a lock driver. The two that bring a library of their own, and are seldom used, are loaded only then. */
export async function openDriver(name: LockDriverName, path: string): Promise<LockDriver> {
  const network = await networkFilesystem(path);
  const driver = await load(name, network);
  // The kernel's NFS client writes and commits before it unlocks or closes (do_unlk and nfs_file_flush in its fs/nfs/file.c).
  return network === 'NFS' ? { ...driver, writesThrough: true } : driver;
}

async function load(name: LockDriverName, network: string | undefined): Promise<LockDriver> {
  switch (name) {
    case 'record':
      return recordDriver(network === undefined ? 'local' : network === 'NFS' ? 'nfs' : 'network');
    case 'file':
      return (await import('./file.js')).fileDriver();
    case 'directory':
      return (await import('./directory.js')).directoryDriver(network === 'NFS' || network === 'FUSE');
  }
}

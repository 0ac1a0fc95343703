import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from './tool.js';

/** What the guests need beyond what this host has: NFS's own programs, their libraries, and kmod. */
export const GUEST_PACKAGES = [
  'kmod',
  'nfs-kernel-server',
  'nfs-common',
  'rpcbind',
  'keyutils',
  'libwrap0',
  'libnfsidmap1',
  'libevent-core-2.1-7',
  'libsqlite3-0',
  'libtirpc3',
  'libtirpc-common',
  'libkeyutils1',
] as const;

/** The kernel by the name that always means the newest. The small cloud kernel has no 9p. */
export const KERNEL_PACKAGE = 'linux-image-amd64';

/** Downloads Debian packages and unpacks them into a folder. Nothing is installed, and none of their scripts run. */
export async function unpackPackages(into: string, downloads: string): Promise<void> {
  mkdirSync(downloads, { recursive: true });
  tool('apt-get', ['--quiet', 'download', kernelPackage(), ...GUEST_PACKAGES], { cwd: downloads });
  mkdirSync(into, { recursive: true });
  for (const file of readdirSync(downloads)) tool('dpkg', ['--extract', join(downloads, file), into]);
  for (const name of ['bin', 'sbin', 'lib']) await mergeIntoUsr(into, name);
  // Otherwise these would hide what the guests keep there.
  rmSync(join(into, 'var/lib/nfs'), { recursive: true, force: true });
}

function kernelPackage(): string {
  const name = /Depends: (linux-image-\S+)/.exec(String(tool('apt-cache', ['depends', KERNEL_PACKAGE])))?.[1];
  if (name === undefined) throw new Error(`apt knows no ${KERNEL_PACKAGE}: apt-get update?`);
  return name;
}

/** On the host's tree, over which these files are mounted, /sbin is a link to /usr/sbin: a folder in its place would hide all of it. */
async function mergeIntoUsr(root: string, name: string): Promise<void> {
  const from = join(root, name);
  const files = readdirSync(root).includes(name) ? readdirSync(from) : [];
  mkdirSync(join(root, 'usr', name), { recursive: true });
  for (const file of files) {
    const target = join(root, 'usr', name, file);
    await rename(join(from, file), target).catch(() => cp(join(from, file), target, { recursive: true, verbatimSymlinks: true }));
  }
  rmSync(from, { recursive: true, force: true });
}

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs that the lab starts on this host, and the Debian package that each comes from. */
const PROGRAMS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  'mkfs.ext4': 'e2fsprogs',
  'apt-get': 'apt',
  dpkg: 'dpkg',
  xz: 'xz-utils',
  gzip: 'gzip',
  timeout: 'coreutils',
} as const;

/** Administrators' programs are not on everybody's PATH. */
export const SEARCH_PATH = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;

/** What keeps the lab from running on this host, in a sentence with what to do about it; undefined when nothing does. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `it needs Linux on x64, and this is ${process.platform} on ${process.arch}`;
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isThere(program));
  if (missing.length === 0) return undefined;
  const programs = missing.map(([program]) => program).join(', ');
  const packages = missing.map(([, name]) => name).join(' ');
  return `${programs} missing; on Debian: apt-get update && apt-get install --no-install-recommends ${packages}`;
}

function isThere(program: string): boolean {
  return SEARCH_PATH.split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

import { isInstalled } from '../../support/tags.js';

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

/** The reason why the lab cannot run on this host, in a sentence with a remedy; undefined when it can. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `it needs Linux on x64, and this is ${process.platform} on ${process.arch}`;
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  const programs = missing.map(([program]) => program).join(', ');
  const packages = missing.map(([, name]) => name).join(' ');
  return `${programs} missing; on Debian: apt-get update && apt-get install --no-install-recommends ${packages}`;
}

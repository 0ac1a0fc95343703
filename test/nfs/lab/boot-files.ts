import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GUEST_PACKAGES, unpackPackages } from './packages.js';
import { tool } from './tool.js';

/** The files that every guest boots from. */
export interface BootFiles {
  /** Uncompressed: QEMU enters it directly, which saves seconds under full emulation. */
  readonly kernel: string;
  readonly initramfs: string;
  /** The files of the unpacked packages. */
  readonly packages: string;
}

/** Scripts that run in the guests. */
export const GUEST_FOLDER = fileURLToPath(new URL('../guest/', import.meta.url));
const FIRST_STAGE = join(GUEST_FOLDER, 'first-stage.sh');

/** What the first stage needs to reach the host's files; the rest is loaded from there. */
const EARLY_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/** Builds the boot files, or finds them in the user's cache, where they stay until their sources change. */
export async function bootFiles(): Promise<BootFiles> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(os.homedir(), '.cache'), 'runmaker-nfs-lab-files');
  const made = join(cache, recipe());
  if (!existsSync(made)) {
    const draft = `${made}.${process.pid}`;
    rmSync(cache, { recursive: true, force: true });
    await make(draft);
    renameSync(draft, made);
  }
  return { kernel: join(made, 'vmlinux'), initramfs: join(made, 'initramfs'), packages: join(made, 'packages') };
}

/** Changes whenever the files must be rebuilt. */
function recipe(): string {
  const hash = createHash('sha256');
  for (const part of [
    GUEST_PACKAGES.join(),
    EARLY_MODULES.join(),
    readFileSync(FIRST_STAGE),
    readFileSync(fileURLToPath(import.meta.url)),
  ]) {
    hash.update(part);
  }
  return hash.digest('hex').slice(0, 16);
}

async function make(folder: string): Promise<void> {
  const packages = join(folder, 'packages');
  await unpackPackages(packages, join(folder, 'downloads'));
  const release = readdirSync(join(packages, 'usr/lib/modules'))[0] as string;
  writeFileSync(join(folder, 'vmlinux'), uncompressed(readFileSync(join(packages, 'boot', `vmlinuz-${release}`))));
  kmod(packages, 'depmod', ['-b', join(packages, 'usr'), release]);
  writeFileSync(join(folder, 'initramfs'), initramfs(packages, release, join(folder, 'initramfs.d')));
}

/** The xz stream in a compressed kernel. xz must not see what follows the stream. */
function uncompressed(kernel: Buffer): Buffer {
  const start = kernel.indexOf(XZ_MAGIC);
  if (start < 0) throw new Error('this kernel is not compressed by xz');
  return tool('xz', ['--decompress', '--stdout', '--single-stream'], { input: kernel.subarray(start) });
}

/** Busybox, the modules for 9p, and the first stage, as a compressed archive. */
function initramfs(packages: string, release: string, folder: string): Buffer {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'modules'));
  const order = modulesInOrder(packages, release);
  for (const path of order) copyFileSync(path, join(folder, 'modules', basename(path)));
  writeFileSync(join(folder, 'modules/in-order'), order.map(path => `${basename(path)}\n`).join(''));
  const busybox = String(tool('sh', ['-c', 'command -v busybox'])).trim();
  copyFileSync(busybox, join(folder, 'bin/busybox'));
  copyFileSync(FIRST_STAGE, join(folder, 'init'));
  chmodSync(join(folder, 'init'), 0o755);
  const names = tool('find', ['.'], { cwd: folder });
  return tool('gzip', ['-1'], { input: tool('busybox', ['cpio', '-o', '-H', 'newc'], { cwd: folder, input: names }) });
}

/** Paths of the early modules and all their dependencies, each after those that it needs. */
function modulesInOrder(packages: string, release: string): string[] {
  const paths = EARLY_MODULES.flatMap(name =>
    String(kmod(packages, 'modprobe', ['-d', join(packages, 'usr'), '-S', release, '--show-depends', name]))
      .split('\n')
      .flatMap(line => /^insmod (\S+)/.exec(line)?.[1] ?? []),
  );
  return [...new Set(paths)];
}

/** The tools for kernel modules are one program, which acts according to its name. */
function kmod(packages: string, name: string, args: readonly string[]): Buffer {
  return tool(join(packages, 'usr/bin/kmod'), args, { argv0: name });
}

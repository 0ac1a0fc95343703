import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary.js';

let able: boolean | undefined;

/** Whether this process may mount filesystems: as root, and not in a container that prevents it. */
export function canMount(): boolean {
  able ??= tryMount();
  return able;
}

/** A filesystem of the given size in memory, until the end of the test. */
export function mountTmpfs(bytes: number): string {
  const folder = temporaryFolder();
  mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'runmaker-test', folder);
  // Runs before the folder is removed.
  onTestFinished(() => unmount(folder));
  return folder;
}

export function makeReadOnly(folder: string): void {
  mount('-o', 'remount,ro', folder);
}

/** The reason printed for tests skipped without root. */
export const NEEDS_ROOT = 'left out: only root can mount the small filesystem that this needs';

function tryMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    // In a namespace of its own, so that nothing stays behind.
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'runmaker-test', '/mnt'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { timeout: 10_000 });
}

/** Lazily: a process with an open file there must not keep it mounted. */
function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder], { timeout: 10_000 });
}

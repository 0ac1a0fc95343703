import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isGone } from './runner-name.js';

/** git's message about a clone with a half-made worktree: nothing can be fetched until its HEAD exists. */
export const HALF_MADE = /bad object worktrees\//;
/** Longest time, in ms, that making the missing half takes. */
const LONGEST = 60_000;

/** Removes half-made worktrees of killed processes from a clone: git itself never does. */
export async function forgetHalfMade(clone: string): Promise<void> {
  const home = path.join(clone, 'worktrees');
  for (const name of await readdir(home).catch(() => [])) {
    const head = path.join(home, name, 'HEAD');
    try {
      const isLeft = isGone(name.replace(/-\d+$/, '')) || Date.now() - (await stat(head)).mtimeMs > LONGEST;
      if (isLeft && /^0+\s*$/.test(await readFile(head, 'latin1'))) await rm(path.join(home, name), { recursive: true, force: true });
    } catch {
      // Its process continues with it, or another one removes it.
    }
  }
}

import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isGone } from './runner-name.js';

/** What git says of a clone in which a checkout is half made: until its HEAD is there, nothing can be fetched. */
export const HALF_MADE = /bad object worktrees\//;
/** Nobody needs longer than this, in ms, for the half that is in the way. */
const LONGEST = 60_000;

/** Takes what is left of checkouts whose makers were killed at it out of a clone: git itself keeps it for good. */
export async function forgetHalfMade(clone: string): Promise<void> {
  const home = path.join(clone, 'worktrees');
  for (const name of await readdir(home).catch(() => [])) {
    const head = path.join(home, name, 'HEAD');
    try {
      const isLeft = isGone(name.replace(/-\d+$/, '')) || Date.now() - (await stat(head)).mtimeMs > LONGEST;
      if (isLeft && /^0+\s*$/.test(await readFile(head, 'latin1'))) await rm(path.join(home, name), { recursive: true, force: true });
    } catch {
      // Its maker goes on, or somebody else takes it away.
    }
  }
}

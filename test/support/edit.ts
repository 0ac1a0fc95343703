import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { eventually } from './eventually.js';

/*
 * What editors and scripts do to a file while other programs work on it.
 */

/** Replaces this file by another, as vim, sed -i and most editors do. */
export function replaceFile(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.edited`, content);
  renameSync(`${path}.edited`, path);
}

/** Rewrites a file in place, as nano and shell redirections do: it is the same file, with other bytes. */
export function rewriteFile(path: string, content: string | Buffer): void {
  writeFileSync(path, content);
}

/** Writes a few bytes in place. */
export function patchFile(path: string, offset: number, bytes: string | Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from(bytes), 0, undefined, offset);
  closeSync(fd);
}

/** Changes the text of a file, by replacing or by rewriting it. */
export function edit(path: string, change: (text: string) => string, how: 'replaced' | 'rewritten'): void {
  const text = change(readFileSync(path, 'utf8'));
  if (how === 'replaced') replaceFile(path, text);
  else rewriteFile(path, text);
}

/** Waits until a change made now gets a later modification time than the last one: the kernel's clock ticks every few ms. */
export async function nextTick(path: string): Promise<void> {
  const { mtimeMs } = statSync(path);
  const probe = `${path}.clock`;
  await eventually('the clock ticks', () => {
    writeFileSync(probe, '');
    return statSync(probe).mtimeMs > mtimeMs;
  });
  rmSync(probe);
}

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The path of a pipe in a folder that has a reader, for as long as the test lasts, who never reads. */
export function deafReader(folder: string): string {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  // Both ends: to open one alone would wait for the other.
  const reader = openSync(path, constants.O_RDWR);
  onTestFinished(() => closeSync(reader));
  return path;
}

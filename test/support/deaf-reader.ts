import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The path of a pipe that has a reader which never reads, in a folder that lasts as long as the test. */
export function deafReader(folder: string): string {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  // Both ends: opening one alone would wait for the other.
  const reader = openSync(path, constants.O_RDWR);
  onTestFinished(() => closeSync(reader));
  return path;
}

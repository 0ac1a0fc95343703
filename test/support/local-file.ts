import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Access, LockableFile } from '../../src/queue/file/locks/lock-driver.js';
import { recordDriver } from '../../src/queue/file/locks/record.js';
import { temporaryFolder } from './temporary.js';

/** Opens a file as a runner would, until the end of the test. */
export async function openFile(path: string, access: Access = 'look'): Promise<LockableFile> {
  const file = await recordDriver('local').open(path, access);
  onTestFinished(async () => await file.close());
  return file;
}

/** A file that is refilled repeatedly, for properties; the path stays. */
export function refillable(): (bytes: Buffer) => string {
  const path = join(temporaryFolder(), 'runs.txt');
  return bytes => {
    writeFileSync(path, bytes);
    return path;
  };
}

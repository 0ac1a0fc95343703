import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is removed after the test. All users may read it, so that jobs of other users can, too. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runmaker-test-'));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** A runs file in a folder of its own. */
export function runsFile(content: string | Buffer): string {
  const path = join(temporaryFolder(), 'runs.txt');
  writeFileSync(path, content);
  return path;
}

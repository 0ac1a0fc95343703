import { RunmakerError } from '../errors.js';
import type { LockDriverName } from './file/locks/lock-driver.js';
import { openFileQueue } from './file/open-file-queue.js';
import type { Queue } from './queue.js';

/** How to open a queue. */
export interface OpenOptions {
  /** For files: how they are locked. All runners of one file must use the same driver. `record` by default. */
  readonly locks?: LockDriverName | undefined;
}

/**
 * Opens the queue that a path or URL names.
 * @throws RunmakerError `input` when there is no such queue, `queue` when it cannot be reached, `usage` for a URL of an unknown kind
 */
export async function openQueue(name: string, options: OpenOptions = {}): Promise<Queue> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(name)?.[1];
  if (scheme === undefined) return await openFileQueue(name, options.locks);
  throw new RunmakerError('usage', `${name}: queues of the kind "${scheme}" are not known`, { hint: 'name the path of a runs file' });
}

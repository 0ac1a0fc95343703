import { RunmakerError } from '../errors.js';
import { openFileQueue } from './file/open-file-queue.js';
import type { OpenOptions, Queue } from './queue.js';

/**
 * Opens the queue that a path or URL names.
 * @throws RunmakerError `input` when there is no such queue, `queue` when it cannot be reached, `usage` for a URL of an unknown kind
 */
export async function openQueue(name: string, options: OpenOptions = {}): Promise<Queue> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(name)?.[1];
  if (scheme === undefined) return await openFileQueue(name, options);
  throw new RunmakerError('usage', `${name}: queues of the kind "${scheme}" are not known`, { hint: 'name the path of a runs file' });
}

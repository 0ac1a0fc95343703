import { RunmakerError } from '../errors.js';
import { openFileQueue } from './file/open-file-queue.js';
import { isGitName } from './git/address.js';
import type { GitOptions, OpenOptions, Queue } from './queue.js';

/**
 * Opens the queue that a path or URL names.
 * @throws RunmakerError `input` when there is no such queue, `queue` when it cannot be reached, `usage` for a URL of an unknown kind
 */
export async function openQueue(name: string, options: OpenOptions = {}): Promise<Queue> {
  if (isGitName(name)) return await (await import('./git/open-git-queue.js')).openGitQueue(name, options);
  const lost = Object.keys(options.git ?? {}).filter(key => options.git?.[key as keyof GitOptions] !== undefined);
  if (lost.length > 0) throw new RunmakerError('usage', `${name} is no queue over git, so ${lost.join(', ')} would have no effect`);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(name)?.[1];
  if (scheme === undefined) return await openFileQueue(name, options);
  throw new RunmakerError('usage', `${name}: queues of the kind "${scheme}" are not known`, {
    hint: 'name the path of a runs file, or git+ssh://…#runs.txt',
  });
}

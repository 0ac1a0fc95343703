import { existsSync } from 'node:fs';
import { RunmakerError } from '../errors.js';
import { nameForServer } from '../wire/address.js';
import { openFileQueue } from './file/open-file-queue.js';
import { isGitName, withoutSecrets } from './git/address.js';
import { meantQueue } from './git/meant.js';
import type { GitOptions, OpenOptions, Queue } from './queue.js';

/**
 * Opens the queue that a path or URL names.
 * @throws RunmakerError `input` when there is no such queue, `queue` when it cannot be reached, `usage` for a URL of an unknown kind
 */
export async function openQueue(name: string, options: OpenOptions = {}): Promise<Queue> {
  if (isGitName(name)) return await (await import('./git/open-git-queue.js')).openGitQueue(name, options);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/|^(unix):/i.exec(name);
  if (!scheme) refuseMeant(name);
  refuseGitOptions(name, options.git ?? {});
  switch ((scheme?.[1] ?? scheme?.[2])?.toLowerCase()) {
    case undefined:
      return await openFileQueue(name, options);
    case 'tcp':
    case 'unix':
      return await (await import('./tcp/open-tcp-queue.js')).openTcpQueue(name, options);
    case 'tcp+legacy':
      return await (await import('./tcp-legacy/open-legacy-queue.js')).openLegacyQueue(name, options);
    default:
      throw new RunmakerError('usage', `${withoutSecrets(name)}: queues of the kind "${scheme?.[1]}" are not known`, {
        hint: 'name the path of a runs file, or tcp://host, tcp+legacy://host, unix:/path or git+ssh://…#runs.txt',
      });
  }
}

/** What is no file may have been meant as something else. */
function refuseMeant(name: string): void {
  const [overGit, atServer] = [meantQueue(name), existsSync(name) ? undefined : nameForServer(name)];
  if (overGit !== undefined)
    throw new RunmakerError('usage', `${name} is no file, and no name of a queue over git`, { hint: `write ${overGit}` });
  if (atServer !== undefined) throw new RunmakerError('usage', `${name} is no file`, { hint: `for a server write ${atServer}` });
}

/** An option that would have no effect was meant to have one. */
function refuseGitOptions(name: string, options: GitOptions): void {
  const [lost] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
  if (lost === undefined) return;
  const option = lost.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
  throw new RunmakerError('usage', `--${option} goes with queues over git, and ${withoutSecrets(name)} is none`);
}

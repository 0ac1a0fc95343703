import { RunmakerError } from '../../errors.js';
import { networkDisk, networkFilesystem } from '../../system/disk.js';
import { mountOf } from '../../system/mounts.js';
import type { OpenOptions, Queue } from '../queue.js';
import { judgeMount } from './doctor/mount-verdict.js';
import { explain } from './explain-error.js';
import { FileQueue } from './file-queue.js';
import { openDriver } from './locks/open-driver.js';

/** Opens a runs file as a queue. The file must be there; whether it can be written shows when it is. */
export async function openFileQueue(path: string, { locks = 'record', patience, unsafeLocks, trustAny }: OpenOptions = {}): Promise<Queue> {
  try {
    if (path === '') throw new RunmakerError('usage', 'the name of the queue is empty');
    const facts = await networkDisk.factsAt(path);
    if (!facts.isFile) {
      throw new RunmakerError('input', `${path} is not a regular file`, { hint: 'a queue is a text file, one line a job: ". command"' });
    }
    const unproven = locks === 'directory' || unsafeLocks ? undefined : await doubtAboutLocks(path);
    return new FileQueue(path, await openDriver(locks, path), { patience, trustAny, unproven });
  } catch (error) {
    throw explain(path, error);
  }
}

/**
 * Why it is not known whether locks on a file keep other hosts out; undefined where they do.
 * @throws RunmakerError where every host is granted every lock: every job would be run by every host
 */
async function doubtAboutLocks(path: string): Promise<string | undefined> {
  const mount = (await networkFilesystem(path)) === undefined ? undefined : await mountOf(path);
  const finding = mount && judgeMount(mount);
  if (finding?.verdict === 'unsure') return finding.detail;
  if (finding?.verdict !== 'bad') return undefined;
  throw new RunmakerError('queue', `${path} lies on a filesystem whose locks do not keep other hosts out: ${finding.detail}`, {
    hint: 'mend the mount, or pass --locks directory on all hosts, or --unsafe-locks if this is the only host',
  });
}

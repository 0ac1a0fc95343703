import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { RunmakerError } from '../../../errors.js';
import { hostName } from '../../../system/host.js';
import { explainFailure, GitFailure, nothingThere } from './failure.js';
import { Git } from './git.js';
import { isGone } from './runner-name.js';
import { withoutPassword } from './secrets.js';

/** Refs of each handle in the shared clone: what it has seen of the remote, and what it is about to push. */
export const SEEN = 'refs/runmaker-seen/';
export const WORK = 'refs/runmaker-work/';

/** The length of an object's name, where it is made of SHA-256. */
const SHA256 = 64;

/**
 * Our own clone of a repository, without files, below the user's cache directory. All programs of this user on this host share it;
 * what is in it is only a copy, and may be deleted when none of them runs.
 *
 * @param settings variables for git
 * @throws RunmakerError `queue` when it cannot be made; when it is not there yet, also what explainFailure says of the remote
 */
export async function openClone(url: string, settings: Readonly<Record<string, string>> = {}): Promise<Git> {
  const folder = path.join(cacheFolder(), 'git', hostName());
  const name = path
    .basename(withoutPassword(url))
    .replace(/\.git$/, '')
    .replace(/[^\w.-]/g, '_');
  const directory = path.join(folder, `${name}-${createHash('sha1').update(url).digest('hex').slice(0, 12)}.git`);
  try {
    if (!existsSync(path.join(directory, 'HEAD'))) await makeClone(directory, url, settings);
  } catch (cause) {
    if (cause instanceof RunmakerError) throw cause;
    throw new RunmakerError('queue', `no clone could be made in ${folder}: ${(cause as Error).message}`, {
      hint: 'XDG_CACHE_HOME says where; some room is needed there',
      cause,
    });
  }
  const git = new Git(directory, settings, true);
  try {
    await removeStaleRefs(git);
  } catch (cause) {
    if (!(cause instanceof GitFailure)) throw cause;
    throw new RunmakerError('queue', `the clone ${directory} is damaged: ${cause.message}`, {
      hint: 'it is only a copy: remove it when no runner of yours is at work on this host, and start again',
      cause,
    });
  }
  return git;
}

/** Makes the clone under another name first, so that other processes only find it complete. */
async function makeClone(directory: string, url: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(`${directory}.`);
  try {
    const git = new Git(draft, settings, true);
    const format = await objectFormat(git.in(draft), url);
    await git.call(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`]);
    await git.call(['config', 'remote.origin.url', url]);
    await rename(draft, directory);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(path.join(directory, 'HEAD'))) throw error;
  }
}

/** The object format of a remote, which shows once it names an object. */
async function objectFormat(git: Git, url: string): Promise<string> {
  const listed = await git.text(['ls-remote', '--heads', '--', url]).catch((error: unknown) => {
    throw error instanceof GitFailure ? explainFailure(error, url) : error;
  });
  const [name] = /^[0-9a-f]+/.exec(listed) ?? [];
  if (name === undefined) throw nothingThere(url);
  return name.length === SHA256 ? 'sha256' : 'sha1';
}

/** Removes from a clone the refs of handles of this host whose processes have ended. */
export async function removeStaleRefs(git: Git): Promise<void> {
  const refs = (await git.text(['for-each-ref', '--format=%(refname)', SEEN, WORK])).split('\n');
  const dead = refs.filter(ref => isGone(ref.split('/')[2] ?? ''));
  if (dead.length > 0) await git.attempt(['update-ref', '--stdin'], { input: Buffer.from(dead.map(ref => `delete ${ref}\n`).join('')) });
}

function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME;
  return path.join(cache !== undefined && path.isAbsolute(cache) ? cache : path.join(os.homedir(), '.cache'), 'runmaker');
}

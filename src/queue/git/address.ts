import path from 'node:path';
import { RunmakerError } from '../../errors.js';
import { withoutPassword, withoutSecrets } from './plumbing/secrets.js';

/** The parts of the name of a queue over git. */
export interface GitAddress {
  /** As git takes it: `ssh://…`, `https://…`, `file:///…`; undefined when a local clone is named. */
  readonly url?: string;
  /** Absolute path of a local clone; its remote is the one meant. */
  readonly clone?: string;
  /** Path of the queue's file in the repository; undefined: whichever of the usual ones exists. */
  readonly file?: string;
  /** Undefined: the one that the remote's HEAD names. */
  readonly branch?: string;
}

/** Transports by which git reaches a remote. */
const TRANSPORTS = ['ssh', 'https', 'http', 'git', 'file'];

const FORM = /^git(?:\+([a-z]+:\/\/[^#?]+)|:([^#?]*))((?:[#?][^#?]*)*)$/i;

/** Whether a name means a queue over git. */
export function isGitName(name: string): boolean {
  return /^git(?:\+[a-z]+:\/\/|:)/i.test(name);
}

/**
 * Reads `git+<transport>://…[#file][?branch=…]`, and `git:<path of a clone>[#file][?branch=…]`.
 * @throws RunmakerError `usage` for anything else
 */
export function parseGitAddress(name: string): GitAddress {
  const [, url, clone, tail] = FORM.exec(name) ?? [];
  if (tail === undefined || clone === '') throw notAnAddress(name);
  const transport = url?.slice(0, url.indexOf(':')).toLowerCase();
  if (transport !== undefined && !TRANSPORTS.includes(transport)) {
    throw new RunmakerError('usage', `${withoutPassword(name)}: "${transport}" is no way to a remote`, {
      hint: `write one of ${TRANSPORTS.map(known => `git+${known}://`).join(', ')}`,
    });
  }
  const [, relative] = /^file:\/\/(?!\/)(.+)$/i.exec(url ?? '') ?? [];
  if (relative !== undefined) {
    throw new RunmakerError('usage', `${withoutPassword(name)}: ${JSON.stringify(relative)} is not the whole path of a repository`, {
      hint: `write it with three slashes: git+file://${path.resolve(relative)}${tail}`,
    });
  }
  let file: string | undefined;
  let branch: string | undefined;
  for (const [part] of tail.matchAll(/[#?][^#?]*/g)) {
    const [, wanted] = /^\?branch=(.+)$/.exec(part) ?? [];
    if (wanted !== undefined && branch === undefined) branch = decode(wanted, name);
    else if (part.startsWith('#') && part.length > 1 && file === undefined) file = decode(part.slice(1), name);
    else throw notAnAddress(name);
  }
  if (file !== undefined && (path.posix.normalize(file) !== file || /^[/.]|\/$|[\0\n]/.test(file))) {
    throw new RunmakerError('usage', `${withoutPassword(name)}: ${JSON.stringify(file)} is not a path in a repository`, {
      hint: 'write it as git does: runs.txt, jobs/runs.txt',
    });
  }
  if (branch !== undefined && !isBranchName(branch)) {
    throw new RunmakerError('usage', `${withoutPassword(name)}: ${JSON.stringify(branch)} cannot be the name of a branch`, {
      hint: 'write it as git branch shows it: ?branch=main, ?branch=dev/queue',
    });
  }
  return {
    ...(url !== undefined && { url }),
    ...(clone !== undefined && { clone: path.resolve(clone) }),
    ...(file !== undefined && { file }),
    ...(branch !== undefined && { branch }),
  };
}

/** Whether git allows a branch of this name: git-check-ref-format(1). */
export function isBranchName(name: string): boolean {
  const isRef = name !== '' && !/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|^\/|\/$|\/\/|\.$|(?:^|\/)\.|\.lock(?:\/|$)/.test(name);
  return isRef && !name.startsWith('-') && name !== 'HEAD';
}

/** A remote as `git clone` takes it, `user@host:path`, as the name of a queue; undefined for anything else. */
export function nameForScpStyle(text: string): string | undefined {
  const [, account, place] = /^([\w.-]+@[\w.-]+):(?!\/\/)(.+)$/.exec(text) ?? [];
  if (account === undefined || place === undefined) return undefined;
  return `git+ssh://${account}/${place.replace(/^\//, '')}${place.includes('#') ? '' : '#runs.txt'}`;
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notAnAddress(name);
  }
}

function notAnAddress(name: string): RunmakerError {
  return new RunmakerError('usage', `${withoutSecrets(name)} does not name a queue over git`, {
    hint: 'write git+ssh://git@host/team/queue.git#runs.txt, git+file:///srv/queue.git#runs.txt?branch=main, or git:.#runs.txt in a clone',
  });
}

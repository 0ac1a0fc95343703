import path from 'node:path';
import { RunmakerError } from '../../errors.js';

/** What the name of a queue over git says. */
export interface GitAddress {
  /** As git takes it: `ssh://…`, `https://…`, `file:///…`; undefined when a local clone is named. */
  readonly url?: string;
  /** Absolute path of a local clone, whose remote is meant. */
  readonly clone?: string;
  /** Path of the queue's file in the repository; undefined: whichever of the known ones is there. */
  readonly file?: string;
  /** Undefined: the one that the remote's HEAD names. */
  readonly branch?: string;
}

/** How git goes to a remote. */
const TRANSPORTS = ['ssh', 'https', 'http', 'git', 'file'];

const FORM = /^git(?:\+([a-z]+:\/\/[^#?]+)|:([^#?]*))((?:[#?][^#?]*)*)$/i;

/** Whether a queue's name is that of a queue over git. */
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

/** Whether git lets a branch have a name: git-check-ref-format(1). */
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

/**
 * What git has said, without what a URL in it may hold to be let in. Where http is spoken a name alone may be a token. A password may have
 * any character, and nobody knows where a URL ends in such words, so all counts up to the last @ before a space.
 */
export function withoutSecrets(text: string): string {
  return text.replace(/\b((?:https?|ftps?):\/\/)\S*@/gi, '$1***@').replace(/(\/\/[^/@:\s]*):[^/\s]*@/g, '$1:***@');
}

/** A URL, or the name of a queue, without what it may hold to be let in: for messages. */
export function withoutPassword(url: string): string {
  const read = readAccess(url);
  if (read === undefined) return withoutSecrets(url);
  const { before, user, secret, after } = read;
  return `${before}${[user, secret === undefined ? undefined : '***'].filter(part => part !== undefined).join(':')}${after}`;
}

/**
 * The same as others can use it: git asks the user's credential helper for what is missing, which goes by the name of the user.
 */
export function forOthers(url: string): string {
  const read = readAccess(url);
  if (read === undefined) return withoutSecrets(url);
  return `${read.before}${read.user ?? ''}${read.user === undefined ? read.after.slice(1) : read.after}`;
}

/** A URL in parts: what says who somebody is stands between the others, and `after` begins with its @. */
interface Access {
  readonly before: string;
  readonly user: string | undefined;
  readonly secret: string | undefined;
  readonly after: string;
}

/**
 * Only what stands before the first of / ? # can let somebody in: an @ may stand in paths and in branches, too. But a password may have
 * any character, though git wants some of them written otherwise: what is no host shows that one has not ended yet.
 */
function readAccess(url: string): Access | undefined {
  const [, before, scheme, rest] = /^((?:git\+)?([a-z]+):\/\/)(.*)$/is.exec(url) ?? [];
  if (scheme === undefined || before === undefined || rest === undefined) return undefined;
  const [authority = ''] = /^[^/?#]*/.exec(rest) ?? [];
  const nearest = authority.lastIndexOf('@');
  const end = isHost(authority.slice(nearest + 1)) ? nearest : rest.lastIndexOf('@');
  if (end === -1) return { before: before + rest, user: undefined, secret: undefined, after: '' };
  const [account, after] = [rest.slice(0, end), rest.slice(end)];
  const colon = account.indexOf(':');
  const secret = colon === -1 ? undefined : account.slice(colon + 1);
  if (!/^(?:https?|ftps?)$/i.test(scheme)) return { before, user: colon === -1 ? account : account.slice(0, colon), secret, after };
  // Beside a password, a name may be the token, and the password anything.
  return secret === undefined && !mayBeToken(account)
    ? { before, user: account, secret, after }
    : { before, user: undefined, secret: account, after };
}

const TOKEN = /^(?:gh[a-z]_|github_pat_|glpat-)/i;
/** Names of people are shorter. */
const LONGEST_NAME = 20;

function mayBeToken(account: string): boolean {
  return TOKEN.test(account) || account.length > LONGEST_NAME || /[/?#]|%3a/i.test(account);
}

function isHost(text: string): boolean {
  return /^(?:[^:[\]]*|\[[^\]]*\])(?::\d*)?$/.test(text) && !TOKEN.test(text);
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

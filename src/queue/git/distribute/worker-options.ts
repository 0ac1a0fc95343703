import { RunmakerError } from '../../../errors.js';
import { isGitName, parseGitAddress } from '../address.js';
import { withoutPassword, withoutSecrets } from '../plumbing/secrets.js';

/** Where a worker works. */
export interface GitWorkerOptions {
  /** The remote, as git takes it. */
  readonly url: string;
  /** The worker's own clone; made when it is not there. One worker a clone. */
  readonly path: string;
  /** Of the worker, and no other: letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  /** How long to wait for the lock, and for a remote that cannot be reached once it is cloned, in ms; 10 minutes by default. */
  readonly patience?: number;
}

const DEFAULT_PATIENCE = 600_000;

/** The options with all defaults. @throws RunmakerError `usage` for values that make no sense: callers in JavaScript have no types */
export function workerOptions(options: Partial<GitWorkerOptions> = {}): Required<GitWorkerOptions> {
  const { url, path, name, patience = DEFAULT_PATIENCE } = options;
  if (!isText(url)) throw refused('url', url, "the remote as git takes it: url: 'ssh://git@host/team/search.git'");
  if (!isText(path)) throw refused('path', path, "the folder of the worker's own clone: path: '/tmp/search'");
  if (!isText(name) || !/^\w[\w.-]*$/.test(name) || name.includes('..') || /\.(lock)?$/.test(name)) {
    throw refused('name', name, "letters, digits, _ and -, since branches are called after it: name: 'alice'");
  }
  if (typeof patience !== 'number' || !(patience >= 0)) throw refused('patience', patience, 'a number of milliseconds: patience: 60_000');
  return { url: asGitTakesIt(url), path, name, patience };
}

/** The same remote may be named as a queue is. */
function asGitTakesIt(url: string): string {
  if (!/^git\+/i.test(url) || !isGitName(url)) return url;
  const address = parseGitAddress(url);
  if (address.url !== undefined && address.file === undefined && address.branch === undefined) return address.url;
  throw new RunmakerError('usage', `the url of a worker's remote ends with the repository, not as ${withoutPassword(url)} does`, {
    hint: `write url: '${withoutPassword(`${address.url}`)}'; a worker finds its lists by their names, on the default branch`,
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function refused(option: string, value: unknown, wanted: string): RunmakerError {
  return new RunmakerError('usage', `${shown(value)} cannot be the ${option} of a worker`, { hint: `give ${wanted}` });
}

/** A value that makes no sense, as code would write it. */
export function shown(value: unknown): string {
  return typeof value === 'string' || (typeof value === 'object' && value !== null) ? withoutSecrets(JSON.stringify(value)) : String(value);
}

import { RunmakerError } from '../../../errors.js';
import { withoutPassword, withoutSecrets } from './secrets.js';

/** Why git failed. `locked`, `unreachable` and `other` may pass by themselves; the rest need a person. */
export type FailureKind =
  | 'refused'
  | 'unverified'
  | 'missing'
  | 'protected'
  | 'checkedOut'
  | 'nameTaken'
  | 'locked'
  | 'unreachable'
  | 'other';

/** git's messages, in English. The first match counts. */
const SIGNS: readonly (readonly [FailureKind, RegExp])[] = [
  ['checkedOut', /refusing to update checked out branch/],
  [
    'protected',
    /protected branch|pre-receive hook declined|update hook declined|hook declined|GH006|GL-HOOK-ERR|deny updating a hidden ref|remote rejected.*(?:prohibited|denied|not allowed)/i,
  ],
  ['unverified', /Host key verification failed|host key is known|certificate (?:problem|verif)|server certificate/i],
  [
    'refused',
    /Authentication failed|could not read (?:Username|Password)|Permission denied|HTTP 40[13]|error: 40[13]|access denied|terminal prompts disabled|insufficient permission/i,
  ],
  [
    'unreachable',
    /Could not resolve host|Connection (?:refused|timed out|reset|closed)|Operation timed out|Network is unreachable|No route to host|Failed to connect|remote end hung up|early EOF|error: 5\d\d|RPC failed|unexpected disconnect|gnutls_handshake|SSL_|without a sign of progress/i,
  ],
  // A ref whose name is the beginning of another's: as files, one would be a folder.
  ['nameTaken', /cannot lock ref '[^']+': '[^']+' exists/],
  ['locked', /[Uu]nable to create '[^']*\.lock'|cannot lock ref/],
  ['missing', /does not appear to be a git repository|[Rr]epository .*not found|not a git repository|does not exist|not found|error: 404/],
  ['unreachable', /Could not read from remote repository|unable to access/],
];

const NEEDS_SOMEBODY: ReadonlySet<FailureKind> = new Set(['refused', 'unverified', 'protected', 'checkedOut', 'nameTaken']);

/** A git command that failed. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  readonly kind: FailureKind;
  /** git's message, without secrets. */
  readonly stderr: string;

  /** @param command its first word · @param stderr git's message */
  constructor(
    readonly command: string,
    stderr: string,
  ) {
    super(`git ${command}: ${lastWords(withoutSecrets(stderr))}`);
    this.stderr = withoutSecrets(stderr);
    this.kind = SIGNS.find(([, sign]) => sign.test(this.stderr))?.[0] ?? 'other';
  }

  /** Whether the failure needs a person. */
  get needsSomebody(): boolean {
    return NEEDS_SOMEBODY.has(this.kind);
  }
}

/** What a failure means to the user of a queue, and what can be done. `wasThere`: the repository was found before. */
export function explainFailure(failure: GitFailure, place: string, wasThere = false): RunmakerError {
  const about = `${withoutPassword(place)}: `;
  const said = lastWords(failure.stderr);
  switch (wasThere && failure.kind === 'missing' ? 'unreachable' : failure.kind) {
    case 'refused':
      return new RunmakerError('queue', `${about}the remote refused the credentials: ${said}`, {
        hint: 'runners use git as you do: see that "git ls-remote" on it works here without questions (key, agent, credential helper)',
        cause: failure,
      });
    case 'unverified':
      return new RunmakerError('queue', `${about}the remote does not prove to be who it should be: ${said}`, {
        hint: 'go there once by hand with "git ls-remote", look whether its key or certificate is right, and accept it',
        cause: failure,
      });
    case 'protected':
      return new RunmakerError('queue', `${about}the remote refuses changes to the branch: ${said}`, {
        hint: 'let this account push to the branch, or keep the queue on one that it may push to: …?branch=queue',
        cause: failure,
      });
    case 'checkedOut':
      return new RunmakerError('queue', `${about}the remote has the branch checked out, and so takes no changes to it`, {
        hint: 'share a bare repository: git clone --bare REPOSITORY queue.git',
        cause: failure,
      });
    case 'nameTaken':
      return new RunmakerError('queue', `${about}a branch has a name that others' names would have to begin with: ${said}`, {
        hint: 'rename or remove one of the two: git keeps refs as files, and cannot have X beside X/Y',
        cause: failure,
      });
    case 'missing':
      return new RunmakerError('input', `${about}there is no such repository: ${said}`, {
        hint: 'check the name, and that this account may read it',
        cause: failure,
      });
    case 'unreachable':
      return new RunmakerError('queue', `${about}the remote cannot be reached: ${said}`, {
        hint: 'try: git ls-remote; --patience says how long runners keep trying',
        cause: failure,
      });
    case 'locked':
      return new RunmakerError('queue', `${about}something is locked: ${said}`, {
        hint: 'a git that was killed may have left the .lock file: remove it where it is, if no git is at work there',
        cause: failure,
      });
    case 'other':
      return new RunmakerError('queue', `${about}git ${failure.command} failed: ${said}`, { cause: failure });
  }
}

/** The error for a remote without a commit to begin with. */
export function nothingThere(url: string): RunmakerError {
  return new RunmakerError('input', `${withoutPassword(url)}: the repository has no default branch, or nobody has pushed anything yet`, {
    hint: "push a commit with the queue's file first, or name the branch: …?branch=main",
  });
}

/** Lines of git's output in a message. */
const SAID = 3;
/** Output without a reason: git's advice, its progress, and the status of each ref. */
const EMPTY_WORDS =
  /^$|^hint:|^To |^From |^Cloning into |^Done$|^error: failed to push|^Please make sure you have|^and the repository exists|^@+$|^(?:Enumerating|Counting|Compressing|Writing|Receiving|Resolving|Unpacking|Updating|Filtering|Checking|Total|Delta) .*\d|^(?:[*+=-] |[0-9a-f]{7,}\.\.).* -> /;
/** Printed for any unreachable remote, and for any refused ref: gives no reason. */
const NO_REASON = /^!|^fatal: (?:Could not read from remote repository|the remote end hung up)/;
const TELLING = /^(?:error|fatal|ERROR): |GH\d{3}|GitLab:/;

/** The most telling lines: the reason given by ssh or the remote, then git's own last ones. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map(line => line.replace(/^remote:/, '').trim())
    .filter(line => !EMPTY_WORDS.test(line));
  const reasons = lines.filter(line => !NO_REASON.test(line));
  const kept = reasons.length > 0 ? reasons : lines;
  const telling = kept.find(line => TELLING.test(line)) ?? kept[0] ?? 'no reason given';
  const words = [...new Set([telling, ...kept.slice(-SAID)])].slice(0, SAID);
  return words
    .map(line =>
      line
        .replace(/^(?:fatal|error): /, '')
        .replace(/\t/g, ' ')
        .replace(/\.$/, ''),
    )
    .join('; ');
}

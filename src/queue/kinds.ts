/** The kinds of queues, one row each: their names, their options, and the code that opens them, loaded only then. */
import { RunmakerError } from '../errors.js';
import { isGitName } from './git/address.js';
import { withoutSecrets } from './git/plumbing/secrets.js';
import { flagOf, type OptionName } from './options.js';
import type { OpenOptions, Queue } from './queue.js';

/** A kind of queue. */
export interface QueueKind {
  readonly name: 'file' | 'tcp' | 'tcp+legacy' | 'git' | 'redis';
  /** In the plural, for messages. */
  readonly title: string;
  /** The form of its names, for help and messages. */
  readonly form: string;
  /** The options that apply to it, besides `patience`. */
  readonly options: readonly OptionName[];
  /** Whether a name means a queue of this kind. */
  owns(name: string): boolean;
  open(name: string, options: OpenOptions): Promise<Queue>;
}

export const QUEUE_KINDS: readonly QueueKind[] = [
  {
    name: 'file',
    title: 'files',
    form: 'the path of a runs file',
    options: ['locks', 'unsafeLocks', 'trustAny'],
    owns: name => schemeOf(name) === undefined && !isGitName(name),
    open: async (name, options) => await (await import('./file/open-file-queue.js')).openFileQueue(name, options),
  },
  {
    name: 'tcp',
    title: 'the queue of a server, such as tcp://alice',
    form: 'tcp://host, unix:/path',
    options: ['token'],
    owns: hasScheme('tcp', 'unix'),
    open: async (name, options) => await (await import('./tcp/open-tcp-queue.js')).openTcpQueue(name, options),
  },
  {
    name: 'tcp+legacy',
    title: 'the queue of a server, such as tcp+legacy://alice',
    form: 'tcp+legacy://host',
    options: ['token'],
    owns: hasScheme('tcp+legacy'),
    open: async (name, options) => await (await import('./tcp-legacy/open-legacy-queue.js')).openLegacyQueue(name, options),
  },
  {
    name: 'git',
    title: 'queues over git',
    form: 'git+ssh://…#runs.txt',
    options: ['lease', 'queueFile', 'sleep', 'resultsDir', 'maxJobAttempts'],
    owns: isGitName,
    open: async (name, options) => await (await import('./git/open-git-queue.js')).openGitQueue(name, options),
  },
  {
    name: 'redis',
    title: 'queues in Redis',
    form: 'redis://host#name',
    options: ['lease'],
    owns: hasScheme('redis', 'rediss', ...['unix', 'sentinel', 'cluster'].flatMap(way => [`redis+${way}`, `rediss+${way}`])),
    open: async (name, options) => await (await import('./redis/open-redis-queue.js')).openRedisQueue(name, options),
  },
];

/**
 * The kind of a queue, by its name.
 * @throws RunmakerError `usage` for a URL of an unknown kind
 */
export function kindOf(name: string): QueueKind {
  const kind = QUEUE_KINDS.find(({ owns }) => owns(name));
  if (kind) return kind;
  const forms = QUEUE_KINDS.map(({ form }) => form);
  throw new RunmakerError('usage', `${withoutSecrets(name)}: queues of the kind "${schemeOf(name)}" are not known`, {
    hint: `name ${forms.slice(0, -1).join(', ')} or ${forms.at(-1)}`,
  });
}

/**
 * Refuses options that would have no effect: the user expects one.
 * @throws RunmakerError `usage`
 */
export function refuseLostOptions(name: string, options: OpenOptions): void {
  const kind = kindOf(name);
  for (const option of Object.keys(options) as OptionName[]) {
    if (options[option] === undefined || option === 'patience' || kind.options.includes(option)) continue;
    const titles = [...new Set(QUEUE_KINDS.filter(other => other.options.includes(option)).map(({ title }) => title))];
    if (titles.length === 0) continue;
    throw new RunmakerError('usage', `${flagOf(option)} goes with ${titles[0]}, and ${withoutSecrets(name)} is none`);
  }
}

/** In lower case. */
function schemeOf(name: string): string | undefined {
  const [, url, unix] = /^([a-z][a-z0-9+.-]*):\/\/|^((?:rediss?\+)?unix):/i.exec(name) ?? [];
  return (url ?? unix)?.toLowerCase();
}

function hasScheme(...schemes: readonly string[]): (name: string) => boolean {
  return name => schemes.includes(schemeOf(name) ?? '');
}

import { RunmakerError } from '../../../errors.js';

/** The location of a queue in Redis, from its name. */
export interface RedisAddress {
  readonly kind: 'host' | 'unix' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** One for `host`; the sentinels, or some nodes of the cluster. None for `unix`. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** Path of the socket. */
  readonly socket?: string;
  /** The sentinels' name for the master. */
  readonly master?: string;
  readonly user?: string;
  readonly password?: string;
  readonly db: number;
  /** Of the queue. */
  readonly queue: string;
  /** The name without its password, fit for people and jobs to see. */
  readonly shown: string;
}

const FORM = /^(rediss?)(?:\+(unix|sentinel|cluster))?:(?:\/\/)?(.*)$/is;
const [REDIS_PORT, SENTINEL_PORT] = [6379, 26379];

/** A queue's name without the password in it. */
export function withoutRedisPassword(name: string): string {
  const [, before = name, account, rest = ''] = /^([^:]*:(?:\/\/)?)(.*)(@[^@]*)$/s.exec(name) ?? [];
  if (account === undefined) return name;
  const colon = account.indexOf(':');
  return `${before}${colon < 0 ? account : `${account.slice(0, colon)}:***`}${rest}`;
}

/**
 * Reads `redis://[user:password@]host[:port][/db]#name` and its variants.
 * @param environment a password outside the name may be in RUNMAKER_REDIS_PASSWORD, which other users of the host cannot see
 * @throws RunmakerError `usage` for anything else
 */
export function parseRedisAddress(name: string, environment: NodeJS.ProcessEnv): RedisAddress {
  const hash = name.lastIndexOf('#');
  const [, scheme = '', variant, body = ''] = FORM.exec(hash < 0 ? name : name.slice(0, hash)) ?? [];
  const kind = (variant?.toLowerCase() ?? 'host') as RedisAddress['kind'];
  const queue = hash < 0 ? '' : decode(name.slice(hash + 1), name);
  // The queue's name is a hash tag: braces in it would end it.
  if (queue === '' || /[{}\p{Cc}]/u.test(queue)) throw notAnAddress(name, queue === '' ? 'no queue is named' : 'the name has braces in it');
  const at = body.lastIndexOf('@');
  const account = at < 0 ? undefined : body.slice(0, at);
  const [place = '', query] = body.slice(at + 1).split('?', 2) as [string, string?];
  const [, hosts = '', path = ''] = kind === 'unix' ? ['', '', place] : (/^([^/]*)(.*)$/s.exec(place) ?? []);
  const [user, password] = accountOf(account, name);
  const common = {
    kind,
    tls: scheme.toLowerCase() === 'rediss',
    ...(user !== '' && { user }),
    ...withPassword(password, environment),
    queue,
    shown: shownName(name, account),
  };
  const parts = path.split('/').slice(1);
  switch (kind) {
    case 'unix': {
      const [, db = '0'] = /^db=(\d+)$/.exec(query ?? 'db=0') ?? [];
      if (!path.startsWith('/') || (query !== undefined && !query.startsWith('db=')))
        throw notAnAddress(name, 'the socket is no whole path');
      return { ...common, hosts: [], socket: decode(path, name), db: Number(db) };
    }
    case 'sentinel': {
      const [master, db] = parts;
      if (!master) throw notAnAddress(name, 'the master is not named');
      return { ...common, hosts: hostsOf(hosts, SENTINEL_PORT, name), master, db: databaseOf(db, name) };
    }
    case 'cluster':
      return { ...common, hosts: hostsOf(hosts, REDIS_PORT, name), db: 0 };
    default: {
      const all = hostsOf(hosts, REDIS_PORT, name);
      if (all.length > 1) throw notAnAddress(name, 'several hosts are sentinels or a cluster');
      return { ...common, hosts: all, db: databaseOf(parts[0], name) };
    }
  }
}

function shownName(name: string, account: string | undefined): string {
  const colon = account?.indexOf(':') ?? -1;
  if (account === undefined || colon < 0) return name;
  const user = account.slice(0, colon);
  return name.replace(`${account}@`, user === '' ? '' : `${user}@`);
}

function accountOf(account: string | undefined, name: string): [user: string, password: string | undefined] {
  if (account === undefined) return ['', undefined];
  const colon = account.indexOf(':');
  if (colon < 0) return [decode(account, name), undefined];
  return [decode(account.slice(0, colon), name), decode(account.slice(colon + 1), name)];
}

function withPassword(password: string | undefined, { RUNMAKER_REDIS_PASSWORD }: NodeJS.ProcessEnv): { password?: string } {
  const known = password || RUNMAKER_REDIS_PASSWORD;
  return known ? { password: known } : {};
}

function hostsOf(text: string, defaultPort: number, name: string): { host: string; port: number }[] {
  return text.split(',').map(part => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(part) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined) throw notAnAddress(name, `${JSON.stringify(part)} is no host`);
    return { host, port: port === undefined ? defaultPort : Number(port) };
  });
}

function databaseOf(text: string | undefined, name: string): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,6}$/.test(text)) throw notAnAddress(name, `${JSON.stringify(text)} is no number of a database`);
  return Number(text);
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notAnAddress(name, 'a percent sign is followed by no two hexadecimal digits');
  }
}

function notAnAddress(name: string, why: string): RunmakerError {
  return new RunmakerError('usage', `${withoutRedisPassword(name)} does not name a queue in Redis: ${why}`, {
    hint: 'write redis://host:6379/0#name, redis+unix:/run/redis.sock#name, redis+sentinel://host:26379/master#name or redis+cluster://host:6379#name',
  });
}

import type { ClusterOptions, RedisOptions } from 'ioredis';
import type { RedisAddress } from './address.js';

type Options = Omit<RedisOptions, 'replyMapping'>;
type NodeOptions = Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>;

/** ioredis's settings: plain data, which can be passed to a thread. */
export type ClientSettings =
  | { readonly kind: 'single'; readonly options: Options }
  | {
      readonly kind: 'cluster';
      readonly nodes: { host: string; port: number }[];
      readonly options: Omit<ClusterOptions, 'redisOptions'> & { readonly redisOptions: NodeOptions };
    };

/** How long, in ms, until a silent server, even one that accepts connections, counts as lost. */
const SILENCE = 20_000;

/** Calls fail at once when the connection is lost: the caller decides whether to retry. */
export function settingsFor({ kind, tls, hosts, socket, master, user, password, db }: RedisAddress): ClientSettings {
  const common: Options = {
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: SILENCE / 2,
    socketTimeout: SILENCE,
    disableClientInfo: true,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
  };
  switch (kind) {
    case 'cluster': {
      const { enableOfflineQueue: _, lazyConnect: __, ...redisOptions } = common;
      return { kind: 'cluster', nodes: [...hosts], options: { lazyConnect: true, enableOfflineQueue: false, redisOptions } };
    }
    case 'sentinel':
      return {
        kind: 'single',
        options: {
          ...common,
          sentinels: [...hosts],
          name: master as string,
          db,
          ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
        },
      };
    case 'unix':
      return { kind: 'single', options: { ...common, path: socket as string, db } };
    default:
      return { kind: 'single', options: { ...common, ...hosts[0], db } };
  }
}

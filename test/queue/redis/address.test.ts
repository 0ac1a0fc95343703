import { describe, expect, it } from 'vitest';
import { parseRedisAddress } from '../../../src/queue/redis/connection/address.js';
import { explain } from '../../../src/queue/redis/connection/explain.js';
import { settingsFor } from '../../../src/queue/redis/connection/settings.js';

const read = (name: string, environment: NodeJS.ProcessEnv = {}) => parseRedisAddress(name, environment);

describe('the name of a queue in Redis', () => {
  it.each([
    ['redis://alice#runs', { kind: 'host', tls: false, hosts: [{ host: 'alice', port: 6379 }], db: 0, queue: 'runs' }],
    ['rediss://alice:7000/3#my%20runs', { tls: true, hosts: [{ host: 'alice', port: 7000 }], db: 3, queue: 'my runs' }],
    ['redis://[::1]:7000#runs', { hosts: [{ host: '::1', port: 7000 }] }],
    ['redis://bob:pa%40ss@alice#runs', { user: 'bob', password: 'pa@ss', shown: 'redis://bob@alice#runs' }],
    ['redis://:secret@alice#runs', { password: 'secret', shown: 'redis://alice#runs' }],
    ['redis+unix:/run/redis.sock#runs', { kind: 'unix', socket: '/run/redis.sock', db: 0 }],
    ['redis+unix:///run/redis.sock?db=2#runs', { kind: 'unix', socket: '/run/redis.sock', db: 2 }],
    [
      'redis+sentinel://one,two:7/main/1#runs',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'one', port: 26379 },
          { host: 'two', port: 7 },
        ],
        master: 'main',
        db: 1,
      },
    ],
    [
      'rediss+cluster://one,two#runs',
      {
        kind: 'cluster',
        tls: true,
        hosts: [
          { host: 'one', port: 6379 },
          { host: 'two', port: 6379 },
        ],
      },
    ],
  ])('%s is parsed', (name, expected) => {
    expect(read(name)).toMatchObject(expected);
  });

  it.each([
    'redis://alice',
    'redis://alice#',
    'redis://alice#a{b}',
    'redis://#runs',
    'redis://a,b#runs',
    'redis://alice/x#runs',
    'redis+unix:redis.sock#runs',
    'redis+sentinel://one#runs',
    'redis://alice#%zz',
  ])('%s is rejected with an example', name => {
    expect(() => read(name)).toThrow(expect.objectContaining({ code: 'usage', hint: expect.stringContaining('redis://host:6379/0#name') }));
  });

  it('hides its password when it is rejected', () => {
    expect(() => read('redis://bob:secret@alice')).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });

  it('without a password uses that of the environment', () => {
    expect(read('redis://bob@alice#runs', { RUNMAKER_REDIS_PASSWORD: 'secret' })).toMatchObject({ user: 'bob', password: 'secret' });
  });
});

describe('a connection to Redis', () => {
  it('through sentinels or to a cluster is configured as ioredis expects', () => {
    expect(settingsFor(read('rediss+sentinel://:pw@one/main#runs'))).toMatchObject({
      kind: 'single',
      options: { sentinels: [{ host: 'one', port: 26379 }], name: 'main', password: 'pw', tls: {}, enableTLSForSentinelMode: true },
    });
    expect(settingsFor(read('redis+cluster://:pw@one#runs'))).toMatchObject({
      kind: 'cluster',
      nodes: [{ host: 'one', port: 6379 }],
      options: { redisOptions: { password: 'pw' } },
    });
  });

  it.each([
    ['LOADING Redis is loading the dataset in memory', 'away'],
    ['CLUSTERDOWN Hash slot not served', 'away'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'refuses'],
    ['MISCONF Redis is configured to save RDB snapshots', 'refuses'],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'never'],
    ['ERR string exceeds maximum allowed size (512MB)', 'never'],
    ['ERR something else', 'never'],
  ])('has a remedy for %s', (said, lasts) => {
    const cause = Object.assign(new Error(said), { name: 'ReplyError' });
    expect(explain('redis://alice#runs', cause)).toMatchObject({
      lasts,
      error: { code: 'queue', message: expect.stringContaining('redis://alice#runs') },
    });
  });
});

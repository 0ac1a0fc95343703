import { afterAll, beforeAll, describe } from 'vitest';
import { describeQueue } from '../../conformance/queue-conformance.js';
import { RedisServer, redisQueues, whyNoRedis } from '../../support/redis.js';

describe.skipIf(whyNoRedis() !== undefined)('in Redis', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  describeQueue(
    'in Redis',
    { presence: true },
    redisQueues(() => server),
  );
});

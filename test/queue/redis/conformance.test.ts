import { afterAll, beforeAll, describe } from 'vitest';
import { describeQueue } from '../../conformance/queue-conformance.js';
import { RedisServer, redisQueues } from '../../support/redis.js';

describe('in Redis', { tags: ['redis'] }, () => {
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

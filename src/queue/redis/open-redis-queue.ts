import type { OpenOptions, Queue } from '../queue.js';
import { parseRedisAddress } from './connection/address.js';
import { RedisQueue } from './redis-queue.js';

const DEFAULT_PATIENCE = 60_000;
const DEFAULT_LEASE = 30_000;

/**
 * Opens a queue in Redis. A missing queue has no jobs, and the first append creates it.
 * @param name `redis://[user:password@]host[:port][/db]#name` and its variants
 * @throws RunmakerError `usage` for an invalid name, `queue` when Redis cannot be reached or used
 */
export async function openRedisQueue(
  name: string,
  { patience = DEFAULT_PATIENCE, lease = DEFAULT_LEASE }: OpenOptions = {},
): Promise<Queue> {
  const queue = new RedisQueue(parseRedisAddress(name, process.env), { patience, lease });
  try {
    await queue.open();
  } catch (error) {
    await queue.close();
    throw error;
  }
  return queue;
}

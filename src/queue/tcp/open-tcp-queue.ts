import { RunmakerError } from '../../errors.js';
import { parseAddress } from '../../wire/address.js';
import { keyOf } from '../../wire/token.js';
import type { OpenOptions, Queue } from '../queue.js';
import { TcpQueue } from './tcp-queue.js';

/**
 * Opens the queue of a runmaker-server.
 * @param name `tcp://host`, `tcp://host:port` or `unix:/path`
 */
export async function openTcpQueue(name: string, { token, patience }: OpenOptions): Promise<Queue> {
  const address = parseAddress(name.replace(/^tcp:\/\/([^/]*)\/?$/i, '$1'));
  if (token === undefined || token === '') {
    throw new RunmakerError('usage', `${name}: a token is wanted`, {
      hint: 'runmaker-server prints its token when it starts: pass it with --token, --tokenfile or RUNMAKER_TOKEN',
    });
  }
  const queue = new TcpQueue(name, address, keyOf(token), patience);
  await queue.open();
  return queue;
}

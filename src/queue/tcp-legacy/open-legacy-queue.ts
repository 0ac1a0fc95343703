import { RunmakerError } from '../../errors.js';
import { parseAddress, printAddress } from '../../wire/address.js';
import type { OpenOptions, Queue } from '../queue.js';
import { LegacyQueue } from './legacy-queue.js';

/**
 * Opens the queue of a server of runmaker4.
 * @param name `tcp+legacy://host` or `tcp+legacy://host:port`
 */
export async function openLegacyQueue(name: string, { token, patience }: OpenOptions): Promise<Queue> {
  const address = parseAddress(name.replace(/^tcp\+legacy:\/\/([^/]*)\/?$/i, '$1'));
  if (address.kind !== 'tcp') throw new RunmakerError('usage', `${name}: servers of runmaker4 have no Unix sockets`);
  if (token === undefined || !/^\S+$/.test(token)) {
    throw new RunmakerError('usage', `${name}: a token is wanted`, { hint: 'pass the one that the server printed with --token' });
  }
  return new LegacyQueue(name, `tcp+legacy://${printAddress(address)}`, address, token, patience);
}

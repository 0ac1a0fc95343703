import { connect } from 'node:tls';
import type { Address } from '../../wire/address.js';
import { Channel } from '../../wire/channel.js';
import { LONGEST_FROM_SERVER } from '../../wire/messages.js';
import { clientSecurity } from '../../wire/secure.js';

/** How long a connection may take to be made, in ms: a server lets an address wait from which wrong tokens came. */
const DIAL_PATIENCE = 30_000;

/** Connects to a server, and proves to it that we know the key. Rejects with what the system or OpenSSL said. */
export function dial(address: Address, key: Buffer, signal: AbortSignal): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    const socket = connect({ ...where, ...clientSecurity(key), timeout: DIAL_PATIENCE });
    const give = (error: Error): void => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      reject(error);
    };
    const stop = (): void => give(signal.reason as Error);
    const closed = (): void => give(new Error('the connection was closed before anything was said'));
    const late = (): void => give(new Error(`no answer within ${DIAL_PATIENCE / 1000} s`));
    socket.once('error', give);
    socket.once('close', closed);
    socket.once('timeout', late);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      socket.off('error', give).off('close', closed).off('timeout', late).setTimeout(0);
      resolve(new Channel(socket, LONGEST_FROM_SERVER));
    });
  });
}

import { connect } from 'node:tls';
import { errnoName, RunmakerError } from '../../errors.js';
import { type Address, printAddress } from '../../wire/address.js';
import { Channel } from '../../wire/channel.js';
import { type FromClient, LONGEST_FROM_SERVER } from '../../wire/messages.js';
import { clientSecurity, showsCertificate } from '../../wire/secure.js';

/** How long connecting may take, in ms: a server delays addresses that sent wrong tokens. */
const DIAL_PATIENCE = 30_000;

/** Connects to a server, and proves that this client knows the key. Rejects with the error of the system or of OpenSSL. */
export function dial(address: Address, key: Buffer, signal: AbortSignal): Promise<Channel<FromClient>> {
  return new Promise((resolve, reject) => {
    const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    const socket = connect({ ...where, ...clientSecurity(key), timeout: DIAL_PATIENCE });
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      reject(error);
    };
    const stop = (): void => fail(signal.reason as Error);
    const closed = (): void => fail(turnedAway(address));
    const late = (): void => fail(new Error(`no answer within ${DIAL_PATIENCE / 1000} s`));
    const failed = (error: Error): void => {
      if (showsCertificate(socket)) fail(stranger(address, error));
      else fail(errnoName(error) === 'ECONNRESET' ? turnedAway(address, error) : error);
    };
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once('timeout', late);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    socket.once('secureConnect', () => {
      if (showsCertificate(socket)) return fail(stranger(address));
      signal.removeEventListener('abort', stop);
      socket.off('error', failed).off('close', closed).off('timeout', late).setTimeout(0);
      resolve(new Channel(socket, LONGEST_FROM_SERVER));
    });
  });
}

function turnedAway(address: Address, cause?: Error): RunmakerError {
  return new RunmakerError('queue', `${printAddress(address)}: the connection was closed before anything was said`, {
    hint: 'make sure that a runmaker-server listens there; it turns some connections away while many wrong tokens come from an address: try again in a minute',
    cause,
  });
}

function stranger(address: Address, cause?: Error): RunmakerError {
  return new RunmakerError(
    'queue',
    `${printAddress(address)}: what answers there shows a certificate instead of proving that it knows the token`,
    {
      hint: 'make sure that your runmaker-server listens there: nothing was sent to it',
      cause,
    },
  );
}

import { chmodSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { errnoName, RunmakerError } from '../errors.js';
import { type Address, printAddress } from '../wire/address.js';

/** For the owner only: rw-------. */
const OWNER_ONLY = 0o600;

/**
 * Has a server listen, and returns where it does: with port 0 the system has chosen one. A Unix socket that a killed server left
 * behind is replaced.
 * @throws RunmakerError when the address is taken or not ours
 */
export async function listen(server: Server, address: Address): Promise<Address> {
  try {
    if (address.kind === 'tcp') {
      await listening(server, () => server.listen({ host: address.host, port: address.port }));
      const { port } = server.address() as { port: number };
      return { ...address, port };
    }
    try {
      await listenAtPath(server, address.path);
    } catch (error) {
      if (errnoName(error) !== 'EADDRINUSE' || (await isAnswered(address.path))) throw error;
      unlinkSync(address.path);
      await listenAtPath(server, address.path);
    }
    return address;
  } catch (error) {
    throw explain(address, error);
  }
}

/** The socket is nobody else's from the first moment on. */
async function listenAtPath(server: Server, path: string): Promise<void> {
  const before = process.umask(0o777 & ~OWNER_ONLY);
  try {
    const done = listening(server, () => server.listen({ path }));
    process.umask(before);
    await done;
  } finally {
    process.umask(before);
  }
  chmodSync(path, OWNER_ONLY);
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path });
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

function explain(address: Address, error: unknown): RunmakerError {
  const where = printAddress(address);
  switch (errnoName(error)) {
    case 'EADDRINUSE':
      return new RunmakerError('input', `${where} is taken: somebody listens there already`, {
        hint: 'pass another --port or --host, or find out who it is: ss -ltnpx',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RunmakerError('input', `${where} is not an address of this host`, { hint: 'mend --host', cause: error });
    case 'EACCES':
      return new RunmakerError('input', `${where}: permission denied`, { hint: 'ports below 1024 are for root', cause: error });
    default:
      return new RunmakerError('input', `${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

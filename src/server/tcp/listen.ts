import { chmodSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { errnoName, RunmakerError, reason } from '../../errors.js';
import { type Address, printAddress } from '../../wire/address.js';

/** For the owner only: rw-------. */
const OWNER_ONLY = 0o600;

/**
 * Lets a server listen, and returns where: with port 0 the system chooses one. A Unix socket that a killed server has left behind is
 * replaced.
 * @throws RunmakerError when the address is taken, or not one of this host
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
      if (errnoName(error) !== 'EADDRINUSE' || !(await isLeftBehind(address.path))) throw error;
      unlinkSync(address.path);
      await listenAtPath(server, address.path);
    }
    return address;
  } catch (error) {
    throw explain(address, error);
  }
}

/** The socket is never open to other users, not even for a moment. */
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

/**
 * Whether the path is taken by a socket on which no process listens. Anything else may still be needed.
 * @throws RunmakerError when it is not a socket
 */
async function isLeftBehind(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) {
    throw new RunmakerError('input', `unix:${path} is not a socket`, { hint: 'it was left as it is: pass another --host' });
  }
  return await isRefused(path);
}

/** Whether the system says that no process listens there. Whatever else it says, one may. */
function isRefused(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path });
    const answer = (isUnused: boolean): void => {
      socket.destroy();
      resolve(isUnused);
    };
    socket.once('connect', () => answer(false));
    socket.once('error', error => answer(errnoName(error) === 'ECONNREFUSED'));
  });
}

function explain(address: Address, error: unknown): RunmakerError {
  if (error instanceof RunmakerError) return error;
  const where = printAddress(address);
  switch (errnoName(error)) {
    case 'EADDRINUSE':
      return new RunmakerError('input', `${where} is taken: another process listens there`, {
        hint: `pass another ${address.kind === 'unix' ? '' : '--port or '}--host, or find that process: ss -ltnpx`,
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RunmakerError('input', `${where} is not an address of this host`, { hint: 'correct --host', cause: error });
    case 'ENOTDIR':
    case 'EACCES':
      if (address.kind === 'unix') return explainPlace(address.path, error);
      return new RunmakerError('input', `${where}: permission denied`, { hint: 'ports below 1024 are for root', cause: error });
    default:
      return new RunmakerError('input', `${where}: ${reason(error)}`, { cause: error });
  }
}

/** libuv reports a missing directory as EACCES, too. */
function explainPlace(path: string, cause: unknown): RunmakerError {
  const folder = dirname(path);
  return isMissing(folder)
    ? new RunmakerError('input', `unix:${path}: no such directory`, { hint: `create ${folder} first, or correct --host`, cause })
    : new RunmakerError('input', `unix:${path}: permission denied`, { hint: 'name a directory that you may write in with --host', cause });
}

function isMissing(folder: string): boolean {
  try {
    return !statSync(folder).isDirectory();
  } catch (error) {
    return errnoName(error) !== 'EACCES';
  }
}

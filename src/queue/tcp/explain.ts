import { errnoName, RunmakerError, reason } from '../../errors.js';
import { type Address, printAddress } from '../../wire/address.js';
import { isWrongKey } from '../../wire/secure.js';

/** Turns the system's error about a connection into one that the user can act on. Passes a RunmakerError on unchanged. */
export function explain(address: Address, error: unknown): RunmakerError {
  if (error instanceof RunmakerError) return error;
  const where = printAddress(address);
  const code = errnoName(error);
  if (isWrongKey(code)) {
    return new RunmakerError('input', `${where}: the token is not that of the server`, {
      hint: 'runmaker-server prints its token when it starts: pass it with --token, --tokenfile or RUNMAKER_TOKEN',
      cause: error,
    });
  }
  if (code?.startsWith('ERR_SSL_')) {
    return new RunmakerError('queue', `${where}: what answers there is not a runmaker-server of this kind`, {
      hint: 'for the server of runmaker4 write tcp+legacy://',
      cause: error,
    });
  }
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RunmakerError('queue', `${where}: no such host`, { hint: 'correct the name of the server', cause: error });
    case 'ENOENT':
      return new RunmakerError('queue', `${where}: no such socket`, {
        hint: 'start runmaker-server there, or correct the path',
        cause: error,
      });
    case 'ECONNREFUSED':
      return new RunmakerError('queue', `${where}: no server listens there`, {
        hint: 'start runmaker-server there, or correct host and port',
        cause: error,
      });
    case 'EACCES':
      return new RunmakerError('input', `${where}: permission denied`, { hint: 'the socket is for its owner only', cause: error });
    default:
      return new RunmakerError('queue', `${where}: ${reason(error)}`, {
        hint: 'check that the server is up and can be reached',
        cause: error,
      });
  }
}

/** Whether another try would fail for the same reason. */
export function isPermanent(error: RunmakerError): boolean {
  return error.code !== 'queue';
}

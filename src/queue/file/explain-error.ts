import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName, RunmakerError, reason } from '../../errors.js';

/**
 * Turns what the system said about a runs file into what its user can act on. Errors of ours pass through.
 * @param locksWorked whether locks were granted before: then the filesystem has some, and a user who gave up locking in this way on one
 *   host would have jobs run twice
 */
export function explain(path: string, error: unknown, locksWorked = false): RunmakerError {
  if (error instanceof RunmakerError) return error;
  const name = errnoName(error);
  if (name === 'ENOLCK' && locksWorked) {
    return new RunmakerError('queue', `${path}: locks worked before, and are not granted any more (ENOLCK)`, {
      hint: 'the lock service of the file server (lockd) may be away: start again when it is back',
      cause: error,
    });
  }
  switch (name) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new RunmakerError('input', `${path}: no such file`, {
        hint: locksWorked ? 'it was there before: put it back, then start again' : 'create it first, one line a job: ". command"',
        cause: error,
      });
    case 'EISDIR':
      return new RunmakerError('input', `${path} is a directory`, { hint: 'name the runs file in it', cause: error });
    case 'EACCES':
    case 'EPERM':
      return new RunmakerError('input', ...explainDenial(path, error as NodeJS.ErrnoException));
    case 'EROFS':
      return new RunmakerError('input', `${path} is on a read-only filesystem`, { hint: 'states are written into the file', cause: error });
    case 'ENOLCK':
    case 'ENOSYS':
    case 'EINVAL':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
      return new RunmakerError('queue', `${path}: this filesystem gives no fcntl locks (${name})`, {
        hint: 'pass --locks directory, on all hosts that work on this file',
        cause: error,
      });
    case 'EMFILE':
    case 'ENFILE':
      return new RunmakerError('queue', `${path}: too many open files (${name})`, {
        hint: 'run fewer jobs at a time (-j), or raise the limit: ulimit -n',
        cause: error,
      });
    case 'ENOSPC':
      return new RunmakerError('queue', `${path}: no space left (ENOSPC)`, {
        hint: 'make room, then try again: no job was changed or added',
        cause: error,
      });
    case 'EDQUOT':
      return new RunmakerError('queue', `${path}: the disk quota is used up (EDQUOT)`, {
        hint: 'make room, or have it raised, then try again: no job was changed or added',
        cause: error,
      });
    default:
      return new RunmakerError('queue', `${path}: ${reason(error)}`, { cause: error });
  }
}

/** The file itself may be fine: its folder may not be entered, or what is to be made beside it may not be made there. */
function explainDenial(path: string, error: NodeJS.ErrnoException): [message: string, details: { hint: string; cause: unknown }] {
  const folder = dirname(path);
  if (error.path !== undefined && error.path !== path) {
    return [`${error.path}: permission denied`, { hint: `runners need to write into the folder ${folder}`, cause: error }];
  }
  const hint = mayEnter(folder) ? 'runners need to read and write the file' : `runners need to enter the folder ${folder}`;
  return [`${path}: permission denied`, { hint, cause: error }];
}

function mayEnter(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

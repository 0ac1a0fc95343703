import { RunmakerError } from '../errors.js';
import { reason } from '../report/loss.js';
import { isOpenToOthers, readSecret, removeSecret, writeSecret } from '../system/secret-file.js';
import { newToken } from '../wire/token.js';
import { defaultTokenFile } from './access.js';

/** What a server and its clients share, and where it was written. */
export interface ServerToken {
  readonly token: string;
  /** Undefined when the token is in no file. */
  readonly file: string | undefined;
  /** Whether the file was there before: it is its user's, or that of another server. */
  readonly isFound: boolean;
}

/** Takes the file away that we have made, unless somebody else has put another token there. */
export function forgetToken({ token, file, isFound }: ServerToken): void {
  if (file !== undefined && !isFound) removeSecret(file, token);
}

/**
 * The token of a server: the one that was given, or the one in its file, which a killed server has left there for the next, or a
 * new one.
 * @param given by option or environment
 * @param file that was asked for
 */
export function serverToken(given: string | undefined, file: string | undefined): ServerToken {
  if (given !== undefined) {
    if (!/^[!-~]+$/.test(given)) throw new RunmakerError('usage', 'a token is made of printable ASCII characters without blanks');
    if (file === undefined) return { token: given, file: undefined, isFound: false };
  }
  const path = file ?? defaultTokenFile();
  try {
    const found = readSecret(path);
    if (found && isOpenToOthers(path)) {
      throw new RunmakerError('input', `${path} is open to others, who may know the token by now`, {
        hint: `remove it, for a new one: rm ${path}`,
      });
    }
    if (found && given !== undefined && found !== given) {
      throw new RunmakerError('input', `${path} holds another token`, { hint: 'another server may be using it: pass another --tokenfile' });
    }
    const token = given ?? (found || newToken());
    if (!found) writeSecret(path, token);
    return { token, file: path, isFound: Boolean(found) };
  } catch (cause) {
    if (cause instanceof RunmakerError) throw cause;
    throw new RunmakerError('input', `the token cannot be kept in ${path}: ${reason(cause)}`, {
      hint: 'pass another --tokenfile, or --token',
      cause,
    });
  }
}

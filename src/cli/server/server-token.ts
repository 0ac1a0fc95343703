import { lstatSync } from 'node:fs';
import { RunmakerError, reason } from '../../errors.js';
import { isOpenToOthers, readSecret, removeSecret, writeSecret } from '../../system/secret-file.js';
import { newToken } from '../../wire/token.js';
import { defaultTokenFile } from '../options/access.js';

/** The secret shared by a server and its clients, and its file. */
export interface ServerToken {
  readonly token: string;
  /** Whether the user has chosen it, by option or environment. Then it is not printed. */
  readonly isGiven: boolean;
  /** Undefined when the token is in no file. */
  readonly file: string | undefined;
  /** Whether the file existed before: it belongs to the user or to another server. */
  readonly isFound: boolean;
}

/** Removes the file written for this token, unless it holds another token by now. */
export function forgetToken({ token, file, isFound }: ServerToken): void {
  if (file !== undefined && !isFound) removeSecret(file, token);
}

/**
 * A server's token: the given one, otherwise the one in its file, which a killed server leaves for the next, otherwise a new one.
 * @param given by option or environment
 * @param file requested file
 */
export function serverToken(given: string | undefined, file: string | undefined): ServerToken {
  const isGiven = given !== undefined;
  if (isGiven) {
    if (!isToken(given)) throw new RunmakerError('usage', WHAT_TOKENS_ARE);
    if (file === undefined) return { token: given, isGiven, file: undefined, isFound: false };
  }
  const path = file ?? defaultTokenFile();
  try {
    const found = readSecret(path);
    if (found === undefined) refuseLinkToNothing(path);
    else refuseUnusable(path, found);
    if (found && isGiven && found !== given) {
      throw new RunmakerError('input', `${path} holds another token`, { hint: 'another server may be using it: pass another --tokenfile' });
    }
    const token = given ?? (found || newToken());
    if (!found) writeSecret(path, token);
    return { token, isGiven, file: path, isFound: Boolean(found) };
  } catch (cause) {
    if (cause instanceof RunmakerError) throw cause;
    throw new RunmakerError('input', `the token cannot be kept in ${path}: ${reason(cause)}`, {
      hint: 'pass another --tokenfile, or --token',
      cause,
    });
  }
}

const WHAT_TOKENS_ARE = 'a token is made of printable ASCII characters without blanks';

function isToken(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

/** @throws RunmakerError when the file does not hold a token, or one that is not secret */
function refuseUnusable(path: string, found: string): void {
  const hint = `remove it, for a new one: rm ${path}`;
  if (found === '') throw new RunmakerError('input', `${path} is empty: there is no token in it`, { hint });
  if (!isToken(found)) throw new RunmakerError('input', `${path} holds something else than a token: ${WHAT_TOKENS_ARE}`, { hint });
  if (isOpenToOthers(path)) throw new RunmakerError('input', `${path} is open to others, who may know the token by now`, { hint });
}

/** Refuses to write through a symbolic link, which another user may have prepared. */
function refuseLinkToNothing(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw new RunmakerError('input', `${path} is a symbolic link to a file that is not there`, {
    hint: 'remove the link, or pass another --tokenfile',
  });
}

import { constants } from 'node:os';

/**
 * What went wrong, in a form that a program can print and a caller can decide on.
 *
 * `usage`: the caller asked for something that cannot be done (exit status 2) ·
 * `input`: the queue or a file named by the caller cannot be used (2) ·
 * `queue`: the queue could not be reached or locked (3) ·
 * `start`: a job could not be started (its line becomes `e`).
 */
export type ErrorCode = 'usage' | 'input' | 'queue' | 'start';

/** The one error that this program throws on purpose. */
export class RunmakerError extends Error {
  override readonly name = 'RunmakerError';
  readonly code: ErrorCode;
  /** What the reader can do now; printed on a line of its own. */
  readonly hint: string | undefined;

  /**
   * @param code what kind of failure, and so which exit status
   * @param message what happened, and to which file, line or job
   * @param details `hint`: what to do now; `cause`: the original error
   */
  constructor(code: ErrorCode, message: string, details: { hint?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** The errno name of a system error (`ENOENT`, `EIO`, …), or undefined for any other value. */
export function errnoName(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  return error.code === 'UNKNOWN' && 'errno' in error ? (nameOf(error.errno) ?? error.code) : error.code;
}

/** Whether the disk has no room left, or its user none there: somebody may make some. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoName(error instanceof RunmakerError ? error.cause : error) ?? '');
}

/** Node.js has no name for what its system library does not know, such as ESTALE and EDQUOT, but it passes the number on. */
function nameOf(errno: unknown): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => number === -Number(errno))?.[0];
}

import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

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

/** What the system said, without the name of the call: `no space left on device (ENOSPC)`. */
export function reason(error: unknown): string {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') {
    const known = getSystemErrorMap().get(error.errno);
    if (known) return `${known[1]} (${known[0]})`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Whether the disk has no room left, or its user none there: somebody may make some. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoName(error instanceof RunmakerError ? error.cause : error) ?? '');
}

/**
 * The error of a system call that went past Node, as node:fs would make it.
 * @param errno what the call has left in errno
 */
export function systemError(errno: number, syscall: string): Error {
  const name = nameOf(-errno) ?? `errno ${errno}`;
  return Object.assign(new Error(`${name}: ${syscall}`), { code: name, errno: -errno, syscall });
}

/** Node.js has no name for what its system library does not know, such as ESTALE and EDQUOT, but it passes the number on. */
function nameOf(errno: unknown): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => number === -Number(errno))?.[0];
}

import { dirname } from 'node:path';
import { errnoName, isFull, RunmakerError, reason } from '../../errors.js';

/** Tells the user of something that does not stop the run. */
export type Warn = (message: string, hint?: string) => void;

/** Reports the first write failure only: on a full disk every job would repeat it. The jobs go on. */
export class WriteFailureNotice {
  private readonly warn: Warn;
  private readonly hint: string;
  private said = false;

  /** @param hint what the loss means to the user */
  constructor(warn: Warn, hint: string) {
    this.warn = warn;
    this.hint = hint;
  }

  /** @param path the file that was to be written */
  say(path: string, error: unknown): void {
    if (this.said) return;
    this.said = true;
    this.warn(`${path}: ${errnoName(error) === 'ELOOP' ? 'it is a symbolic link, which is not followed' : reason(error)}`, this.hint);
  }
}

/** For a file that cannot be opened before the first job: the run does not start. */
export function cannotOpen(path: string, error: unknown): RunmakerError {
  if (error instanceof RunmakerError) return error;
  const hint = whatToDo(path, error);
  return new RunmakerError('input', `${path}: ${reason(error)}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

function whatToDo(path: string, error: unknown): string | undefined {
  if (errnoName(error) === 'ENOENT') return `create the folder ${dirname(path)} first`;
  if (errnoName(error) === 'ENXIO') return 'it is a socket, or a pipe that nobody reads: start its reader first';
  return isFull(error) ? 'not even a name fits there: make room, or name a place on another disk' : undefined;
}

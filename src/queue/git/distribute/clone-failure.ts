import { RunmakerError } from '../../../errors.js';
import type { GitFailure } from '../plumbing/failure.js';

/** Explains a failure of git in the worker's own clone, unrelated to a remote, and what can be done. */
export function explainInClone(failure: GitFailure, folder: string): RunmakerError {
  const lock = /Unable to create '(.+\.lock)': File exists/.exec(failure.stderr)?.[1];
  if (lock !== undefined) {
    return new RunmakerError('input', `${lock} is in the way: another git is at work in that clone, or was killed there`, {
      hint: `if no git runs in ${folder}, remove that file; then try again`,
      cause: failure,
    });
  }
  return new RunmakerError('input', `${folder}: ${failure.message}`, {
    hint: 'mend what git names there, then try again',
    cause: failure,
  });
}

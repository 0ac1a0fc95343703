import { statSync } from 'node:fs';
import { RunmakerError } from '../../errors.js';
import { findProgram } from '../../system/find-program.js';
import type { ShellOptions } from '../options.js';

/** How to start a command: the program, and its arguments before the command. */
export interface Shell {
  readonly program: string;
  readonly leading: readonly string[];
  /** Absent: the runner's own. */
  readonly directory: string | undefined;
}

/** @throws RunmakerError `usage` when the shell or the directory cannot be used */
export function resolveShell({ shell = '/bin/sh', directory, nice }: ShellOptions): Shell {
  const program = mustFind(shell, 'the shell');
  if (directory !== undefined && !isDirectory(directory)) {
    throw new RunmakerError('usage', `${directory} is not a directory that jobs could run in`);
  }
  if (!nice) return { program, leading: ['-c'], directory };
  // nice(1) becomes the shell (same process id), so the job is nice from its first instruction on.
  return { program: mustFind('nice', 'the program'), leading: ['-n', String(nice), program, '-c'], directory };
}

function mustFind(name: string, what: string): string {
  const found = findProgram(name, process.env.PATH ?? '');
  if (found === undefined) throw new RunmakerError('usage', `${what} ${name} is not there or cannot be executed`);
  return found;
}

function isDirectory(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

import { Command, CommanderError } from 'commander';
import { type ErrorCode, RunmakerError } from '../errors.js';
import { complain } from './complain.js';
import { leaveDeadTerminal } from './terminal.js';
import { version } from './version.js';

/** Exit statuses that all programs share. */
export const EXIT = { ok: 0, failed: 1, usage: 2, queue: 3, timeout: 124 } as const;

const STATUS_OF: Record<ErrorCode, number> = { usage: EXIT.usage, input: EXIT.usage, start: EXIT.failed, queue: EXIT.queue };

/** A command line that speaks as its program does: `name: what happened`, and exit status 2 for what it cannot read. */
export function commandLine(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(version(), '--version', 'print the version and exit')
    .helpOption('--help', 'print this help and exit')
    .option('--debug', 'print stack traces with errors')
    .showHelpAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`${name}: ${text.replace(/^error: /, '')}try: ${name} --help\n`) })
    .exitOverride();
}

/**
 * Runs a program to its exit status. Errors of ours are printed in two lines: what happened, and what to do now.
 * @param main takes the arguments, returns the exit status
 */
export async function runProgram(name: string, main: (argv: readonly string[]) => Promise<number>): Promise<void> {
  const argv = process.argv.slice(2);
  process.on('exit', leaveDeadTerminal);
  try {
    process.exitCode = await main(argv);
  } catch (error) {
    process.exitCode = statusOf(error);
    if (!(error instanceof CommanderError)) printError(name, error, argv.includes('--debug'));
  }
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  return error instanceof RunmakerError ? STATUS_OF[error.code] : EXIT.queue;
}

function printError(name: string, error: unknown, debug: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof RunmakerError ? error.hint : undefined;
  complain(`${name}: ${message}`, hint);
  if (debug && error instanceof Error)
    complain(`${error.stack}`, error.cause instanceof Error ? `caused by ${error.cause.stack}` : undefined);
  else if (!(error instanceof RunmakerError)) complain('this should not have happened; --debug shows where it did');
}

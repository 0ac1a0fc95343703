import { Command, CommanderError } from 'commander';
import { type ErrorCode, RunmakerError, reason } from '../../errors.js';
import { complain } from './complain.js';
import { Output } from './output.js';
import { leaveDeadTerminal } from './terminal.js';
import { version } from './version.js';

/** Exit statuses of all programs. */
export const EXIT = { ok: 0, failed: 1, usage: 2, lost: 2, queue: 3, timeout: 124 } as const;

const STATUS_OF: Record<ErrorCode, number> = { usage: EXIT.usage, input: EXIT.usage, start: EXIT.failed, queue: EXIT.queue };

/** A command line with the program's conventions: errors as `name: what happened`, and exit status 2 for what it cannot read. */
export function commandLine(name: string, description: string, output: Output): Command {
  return new Command(name)
    .description(description)
    .version(version(), '--version', 'print the version and exit')
    .helpOption('-h, --help', 'print this help and exit')
    .option('--debug', 'print stack traces with errors')
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: text => void output.print(Buffer.from(text)),
      outputError: text => complain(`${name}: ${text.replace(/^error: /, '').trimEnd()}`, hintFor(name, text)),
    })
    .exitOverride();
}

/** The hint for words that cannot be read. */
function hintFor(name: string, text: string): string {
  if (text.includes("missing required argument 'queue'"))
    return `name a file that has a job a line; of a list of commands: sed 's/^/. /' commands.txt > runs.txt`;
  if (!text.includes('too many arguments')) return `try: ${name} --help`;
  const words = process.argv.slice(2);
  const isCounted = words.some((word, at) => (word === '-r' || word === '--retry') && /^\d+$/.test(words[at + 1] ?? ''));
  return isCounted
    ? '--retry takes no number; how often a job is tried says --retries'
    : 'one queue at a time; commands stand in its file, a line each: ". echo hello"';
}

/** A program: takes its arguments and its output, returns the exit status. */
export type Program = (argv: readonly string[], output: Output) => Promise<number>;

/**
 * Runs a program to its exit status. Prints runmaker's own errors in two lines: what happened, and what to do. A program that could not
 * print its result has not succeeded.
 */
export async function runProgram(name: string, main: Program): Promise<void> {
  const argv = process.argv.slice(2);
  const output = new Output(error => complain(`${name}: standard output: ${reason(error)}`));
  process.on('exit', leaveDeadTerminal);
  const status = await endOf(name, main, argv, output);
  await output.close();
  process.exitCode = output.isLost && status === EXIT.ok ? EXIT.lost : status;
}

async function endOf(name: string, main: Program, argv: readonly string[], output: Output): Promise<number> {
  try {
    return await main(argv, output);
  } catch (error) {
    if (!(error instanceof CommanderError)) printError(name, error, argv.includes('--debug'));
    return statusOf(error);
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

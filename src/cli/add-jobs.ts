import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { RunmakerError, reason } from '../errors.js';
import { parseDirectives } from '../job/directives.js';
import { linesIn } from '../job/lines.js';
import { State } from '../job/state.js';
import type { Queue } from '../queue/queue.js';
import { withSignalsHeld } from '../system/hold-signals.js';
import type { RunsetOptions } from './options/runset-options.js';
import { complain } from './program/complain.js';

/** The most commands with unreadable directives that a warning names. */
const MOST_NAMED = 3;

/** `runset --add` and `--add-from`. Closing the terminal meanwhile leaves no partial addition. */
export async function addJobs(queue: Queue, options: RunsetOptions): Promise<void> {
  const commands = await commandsToAdd(options);
  await withSignalsHeld(() => queue.append(commands, { state: options.hold ? State.held : State.new }));
  warnOfUnreadable(commands);
}

/** Jobs that no runner will take are added nevertheless: their lines can be corrected. */
function warnOfUnreadable(commands: readonly Buffer[]): void {
  const problems = commands.flatMap(command => {
    const { problem } = parseDirectives(command);
    return problem ? [{ command: command.toString(), ...problem }] : [];
  });
  if (problems.length === 0) return;
  for (const { command, column, message } of problems.slice(0, MOST_NAMED)) complain(`runset: ${command}: column ${column}: ${message}`);
  const more = problems.length - MOST_NAMED;
  if (more > 0) complain(`runset: ${more} more of the added jobs have directives that cannot be read`);
  complain('runners leave such jobs alone until their lines are mended');
}

async function commandsToAdd({ add = [], addFrom }: RunsetOptions): Promise<Buffer[]> {
  const commands = add.map(command => Buffer.from(command));
  if (addFrom === undefined) return commands;
  for (const command of linesIn(await readAll(addFrom))) if (command.length > 0) commands.push(Buffer.from(command));
  return commands;
}

async function readAll(source: string): Promise<Buffer<ArrayBufferLike>> {
  try {
    return source === '-' ? await buffer(process.stdin) : await readFile(source);
  } catch (cause) {
    throw new RunmakerError('input', `${source}: ${reason(cause)}`, { cause });
  }
}

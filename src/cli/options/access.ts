import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { RunmakerError, reason } from '../../errors.js';
import { kindOf, refuseLostOptions } from '../../queue/kinds.js';
import { flagOf, type OptionName, QUEUE_OPTIONS, type QueueOption } from '../../queue/options.js';
import type { OpenOptions } from '../../queue/queue.js';
import { readSecret } from '../../system/secret-file.js';
import { duration, lockDriver, wholeNumber } from './values.js';

/** The options by which a program opens a queue. */
export interface AccessOptions extends OpenOptions {
  readonly tokenfile?: string;
}

/** Where a server puts its token for clients of the same user on its host. */
export function defaultTokenFile(): string {
  return path.join(os.homedir(), '.runmaker.token');
}

/** Where the server of runmaker4 puts its token. */
function legacyTokenFile(): string {
  return path.join(os.homedir(), '.runmaker4.token');
}

/** Whether a queue's name means one on a server. */
export function isServed(queueName: string): boolean {
  return kindOf(queueName).options.includes('token');
}

/** Adds options of queues to a program, and those that locate a server's token. */
export function withAccess(program: Command, names: readonly OptionName[]): Command {
  for (const name of names) {
    const { flags, help, value } = QUEUE_OPTIONS[name];
    const read = READERS[value](flagOf(name));
    if (read) program.option(flags, help, read);
    else program.option(flags, help);
  }
  return program
    .option(QUEUE_OPTIONS.token.flags, QUEUE_OPTIONS.token.help)
    .option(
      '--tokenfile <file>',
      'a file that holds the token (default: RUNMAKER_TOKEN, else ~/.runmaker.token; for tcp+legacy:// ~/.runmaker4.token first)',
    );
}

/** How to read each kind of value from the command line, given the option's name; undefined: unchanged. */
const READERS: Record<QueueOption['value'], (option: string) => ((text: string) => unknown) | undefined> = {
  flag: () => undefined,
  text: () => undefined,
  duration,
  count: option => wholeNumber(option, 1),
  lockDriver: () => lockDriver,
};

/** What `openQueue` needs for this queue. Refuses options that would have no effect there: the user expects one. */
export function accessTo(queueName: string, options: AccessOptions): OpenOptions {
  const { tokenfile } = options;
  const given = Object.fromEntries((Object.keys(QUEUE_OPTIONS) as OptionName[]).map(name => [name, options[name]])) as OpenOptions;
  refuseLostOptions(queueName, given);
  if (!isServed(queueName)) {
    if (tokenfile === undefined) return given;
    throw new RunmakerError('usage', '--tokenfile goes with the queue of a server, such as tcp://alice');
  }
  if (given.token !== undefined && tokenfile !== undefined) {
    throw new RunmakerError('usage', '--token and --tokenfile contradict each other');
  }
  return { ...given, token: given.token ?? tokenFrom(tokenfile, defaultTokenFiles(queueName)) };
}

function defaultTokenFiles(queueName: string): string[] {
  return [...(kindOf(queueName).name === 'tcp+legacy' ? [legacyTokenFile()] : []), defaultTokenFile()];
}

/** @param defaults where to look for the token when neither a file nor the environment gives it */
function tokenFrom(file: string | undefined, defaults: readonly string[]): string | undefined {
  if (file === undefined) return process.env.RUNMAKER_TOKEN || defaults.map(readSecret).find(Boolean);
  const token = readable(file);
  if (token) return token;
  throw new RunmakerError('input', token === undefined ? `${file}: no such file` : `${file} holds no token`, {
    hint: 'copy it from the host of the server, where runmaker-server says where it keeps it',
  });
}

function readable(file: string): string | undefined {
  try {
    return readSecret(file);
  } catch (cause) {
    if (cause instanceof RunmakerError) throw cause;
    throw new RunmakerError('input', `${file}: ${reason(cause)}`, { cause });
  }
}

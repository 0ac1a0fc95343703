import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { RunmakerError, reason } from '../errors.js';
import { isGitName } from '../queue/git/address.js';
import type { OpenOptions } from '../queue/queue.js';
import { readSecret } from '../system/secret-file.js';

/** What a program was given to get at a queue. */
export interface AccessOptions extends OpenOptions {
  readonly tokenfile?: string;
}

/** Where a server leaves its token, and its user's clients on that host find it. */
export function defaultTokenFile(): string {
  return path.join(os.homedir(), '.runmaker.token');
}

/** Whether a queue is one that a server has, by its name. */
export function isServed(queueName: string): boolean {
  return /^(?:tcp(?:\+legacy)?:\/\/|unix:)/i.test(queueName);
}

/** The options of all programs that may open the queue of a server. */
export function withAccess(program: Command): Command {
  return program
    .option(
      '--token <token>',
      'of the runmaker-server whose queue it is; safer in RUNMAKER_TOKEN or a file: all on this host can see it here',
    )
    .option('--tokenfile <file>', 'a file that holds the token (default: RUNMAKER_TOKEN, else ~/.runmaker.token)');
}

/** What `openQueue` needs to know for this queue. Options that would have no effect there are refused: they were meant to have one. */
export function accessTo(queueName: string, options: AccessOptions): OpenOptions {
  const { token, tokenfile, locks, unsafeLocks, trustAny } = options;
  const served = isServed(queueName);
  const lost = [
    served && locks !== undefined && '--locks goes with files: the server locks its own',
    isGitName(queueName) && locks !== undefined && '--locks goes with files: a push takes no lock',
    (served || isGitName(queueName)) && unsafeLocks && '--unsafe-locks goes with files',
    (served || isGitName(queueName)) && trustAny && '--trust-any goes with files',
    !served && token !== undefined && '--token goes with the queue of a server, such as tcp://alice',
    !served && tokenfile !== undefined && '--tokenfile goes with the queue of a server, such as tcp://alice',
    token !== undefined && tokenfile !== undefined && '--token and --tokenfile contradict each other',
  ].find(message => typeof message === 'string');
  if (lost) throw new RunmakerError('usage', lost);
  return served ? { ...options, token: token ?? tokenFrom(tokenfile) } : options;
}

function tokenFrom(file: string | undefined): string | undefined {
  if (file === undefined) return process.env.RUNMAKER_TOKEN || readSecret(defaultTokenFile());
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
    throw new RunmakerError('input', `${file}: ${reason(cause)}`, { cause });
  }
}

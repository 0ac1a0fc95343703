import { RunmakerError } from '../../errors.js';
import type { GitOptions } from '../queue.js';

/** How a queue over git is worked on, all decided. Times in ms. */
export interface GitSettings {
  readonly lease: number;
  readonly sleep: number;
  readonly resultsDir: string | undefined;
  readonly maxJobAttempts: number;
}

const DEFAULT_LEASE = 600_000;
const DEFAULT_SLEEP = 5000;
const SHORTEST_LEASE = 1000;
const SHORTEST_SLEEP = 10;

/**
 * What was asked for, else what gitrunner's variables say, else the defaults.
 * @throws RunmakerError `usage` for values that make no sense, naming the variable
 */
export function gitSettings(options: GitOptions, environment: NodeJS.ProcessEnv): GitSettings {
  const lease = options.lease ?? DEFAULT_LEASE;
  if (lease < SHORTEST_LEASE) throw new RunmakerError('usage', 'a lease of less than a second cannot be renewed in time');
  return {
    lease,
    sleep: sleepFrom(options.sleep, environment),
    resultsDir: folder(options.resultsDir ?? (environment.RESULTS_DIR || undefined)),
    maxJobAttempts: options.maxJobAttempts ?? countFrom(environment, 'MAX_JOB_ATTEMPTS') ?? 1,
  };
}

/** How long to wait between two looks, in ms: what was asked for, else SLEEP_TIME. @throws RunmakerError `usage` when that is no number */
export function sleepFrom(asked: number | undefined, environment: NodeJS.ProcessEnv): number {
  return Math.max(asked ?? secondsFrom(environment, 'SLEEP_TIME') ?? DEFAULT_SLEEP, SHORTEST_SLEEP);
}

/** MAX_ATTEMPTS: so many looks without work before a runner leaves. @throws RunmakerError `usage` when it is no such number */
export function idleLooksFrom(environment: NodeJS.ProcessEnv): number | undefined {
  return countFrom(environment, 'MAX_ATTEMPTS');
}

function countFrom(environment: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1) return count;
  throw new RunmakerError('usage', `${name}=${JSON.stringify(text)} in the environment: a whole number from 1 is wanted`);
}

function secondsFrom(environment: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  throw new RunmakerError('usage', `${name}=${JSON.stringify(text)} in the environment: a number of seconds is wanted`);
}

/** A folder of the repository, by its path from the top. */
function folder(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const parts = text.replace(/\/+$/, '').split('/');
  if (parts[0] === '.') parts.shift();
  if (parts.length > 0 && parts.every(part => part !== '' && part !== '..' && part !== '.' && part !== '.git')) return parts.join('/');
  throw new RunmakerError('usage', `the results folder ${JSON.stringify(text)} is not one of the repository`, {
    hint: 'name it by its path from the top of the repository: --results-dir results',
  });
}

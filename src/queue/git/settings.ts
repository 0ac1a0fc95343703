import { maxAttempts, maxJobAttempts, resultsDir, sleepTime } from '../../compat/gitrunner/environment.js';
import { RunmakerError } from '../../errors.js';
import type { GitOptions } from '../queue.js';

/** Settings of a queue over git, with all defaults. Times in ms. */
export interface GitSettings {
  readonly lease: number;
  readonly sleep: number;
  /** Relative to the top of the repository, or absolute. */
  readonly resultsDir: string | undefined;
  readonly maxJobAttempts: number;
}

const DEFAULT_LEASE = 600_000;
const DEFAULT_SLEEP = 5000;
const SHORTEST_LEASE = 1000;
const SHORTEST_SLEEP = 10;

/**
 * The options, otherwise gitrunner's variables, otherwise the defaults.
 * @throws RunmakerError `usage` for invalid values, naming the variable
 */
export function gitSettings(options: GitOptions, environment: NodeJS.ProcessEnv): GitSettings {
  const lease = options.lease ?? DEFAULT_LEASE;
  if (lease < SHORTEST_LEASE) throw new RunmakerError('usage', 'a lease of less than a second cannot be renewed in time');
  return {
    lease,
    sleep: sleepFrom(options.sleep, environment),
    resultsDir: options.resultsDir ?? resultsDir(environment),
    maxJobAttempts: options.maxJobAttempts ?? maxJobAttempts(environment) ?? 1,
  };
}

/** The pause between two looks, in ms. @throws RunmakerError `usage` when SLEEP_TIME is no number */
export function sleepFrom(asked: number | undefined, environment: NodeJS.ProcessEnv): number {
  return Math.max(asked ?? sleepTime(environment) ?? DEFAULT_SLEEP, SHORTEST_SLEEP);
}

/** After how many looks without work a runner leaves. @throws RunmakerError `usage` when MAX_ATTEMPTS is no such number */
export function idleLooksFrom(environment: NodeJS.ProcessEnv): number | undefined {
  return maxAttempts(environment);
}

/** The options for opening queues: one table for the library's types, the programs' command lines and their help. */
import type { OpenOptions } from './queue.js';

/** Each of `OpenOptions`, by the name that the library gives it. */
export type OptionName = Exclude<keyof OpenOptions, 'create'>;

/** An option on the command line. */
export interface QueueOption {
  /** In commander's form: `--lease <duration>`; an alias comes first. */
  readonly flags: string;
  readonly help: string;
  readonly value: 'flag' | 'text' | 'duration' | 'count' | 'lockDriver';
}

/** The form of each option on the command line. */
export const QUEUE_OPTIONS: { readonly [K in OptionName]-?: QueueOption } = {
  patience: {
    flags: '--patience <duration>',
    help: 'how long to keep trying while the queue cannot be reached (default: 60s)',
    value: 'duration',
  },
  locks: {
    flags: '--locks <driver>',
    help: 'how the file is locked: record, file or directory; the same on all hosts',
    value: 'lockDriver',
  },
  unsafeLocks: { flags: '--unsafe-locks', help: 'work even where locks are known not to exclude other hosts', value: 'flag' },
  trustAny: { flags: '--trust-any', help: 'do not warn about a file that every user of the host may write', value: 'flag' },
  token: {
    flags: '--token <token>',
    help: 'of the runmaker-server; safer in RUNMAKER_TOKEN or a file: every user of this host can see it here',
    value: 'text',
  },
  lease: {
    flags: '--lease <duration>',
    help: 'over git and in Redis: how long a claim holds without a sign of life (default: 10m, 30s)',
    value: 'duration',
  },
  queueFile: { flags: '--queue-file <path>', help: "over git: the queue's file, where its name has no #", value: 'text' },
  sleep: {
    flags: '--sleep-time, --sleep <duration>',
    help: 'over git, and with --max-idle: time between two looks (default: 5s)',
    value: 'duration',
  },
  resultsDir: {
    flags: '--results-dir <dir>',
    help: 'over git: run jobs in a checkout, and commit what they leave in this folder of it',
    value: 'text',
  },
  maxJobAttempts: {
    flags: '--max-job-attempts <n>',
    help: 'over git: how often a job is run, by any runners, before it counts as failed',
    value: 'count',
  },
};

/** The option's name on the command line, `--unsafe-locks`. */
export function flagOf(option: OptionName): string {
  return /(--[\w-]+)(?: <|$)/.exec(QUEUE_OPTIONS[option].flags)?.[1] as string;
}

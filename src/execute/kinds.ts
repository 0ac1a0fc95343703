/** The kinds of executors, one row each: their options, which jobs ask for them, and their code, loaded only when a job needs it. */
import { RunmakerError } from '../errors.js';
import type { Job } from '../job/job.js';
import type { Executor } from './executor.js';
import type { ExecuteOption, ExecuteOptions, ExecutorName } from './options.js';
import { shellExecutor } from './shell/shell-executor.js';

/** A kind of executor. */
export interface ExecutorKind {
  readonly name: ExecutorName;
  /** Its jobs run on other machines with a scheduler of their own, and use none of this host's resources. */
  readonly elsewhere?: true;
  /** How many of a queue's jobs earlier runners may have left under it, judging by the queue's folder. */
  leftovers?(queue: string): Promise<number>;
  /** Its options, by their names in `ExecuteOptions`. */
  readonly options: Readonly<Partial<Record<keyof ExecuteOptions, ExecuteOption>>>;
  /** Whether a job asks for this kind, by its directives or by options of the run specific to this kind. */
  suits(job: Job, options: ExecuteOptions): boolean;
  /** @throws RunmakerError `usage` for unusable options */
  open(options: ExecuteOptions): Promise<Executor>;
}

export const EXECUTOR_KINDS: readonly ExecutorKind[] = [
  {
    name: 'shell',
    options: {
      shell: { flags: '--shell <path>', help: 'the shell that runs the commands (default: /bin/sh)', value: 'text' },
      directory: { flags: '--chdir <dir>', help: 'where the commands run (default: here)', value: 'text' },
      nice: { flags: '--nice <n>', help: 'run the commands at this niceness', value: 'niceness' },
    },
    suits: () => false,
    // Nearly every run needs it: loaded at once.
    open: async options => shellExecutor(options),
  },
  {
    name: 'container',
    options: {
      image: { flags: '--image <image>', help: 'run the jobs that name no image= in containers of this one', value: 'text' },
      pullLimit: { flags: '--pull-limit <duration>', help: 'how long the pull of an image may take (default: 30m)', value: 'duration' },
    },
    suits: ({ directives }, { image }) => directives.container !== undefined || image !== undefined,
    open: async options => (await import('./container/open-container-executor.js')).openContainerExecutor(options),
  },
  {
    name: 'slurm',
    elsewhere: true,
    options: {
      executor: { flags: '--executor <kind>', help: 'what runs the jobs: shell, or slurm on a cluster (default: shell)', value: 'text' },
      slurm: { flags: '--slurm <options>', help: "with --executor slurm: for sbatch, such as '-p short -A project'", value: 'text' },
      arrayChunk: { flags: '--array-chunk <n>', help: 'jobs of one Slurm array at most (default: what Slurm allows)', value: 'count' },
      poll: { flags: '--poll <duration>', help: 'between two calls of squeue (default: 30s)', value: 'duration' },
      slurmRate: { flags: '--slurm-rate <n>', help: "calls of each of Slurm's commands a second at most (default: 2)", value: 'amount' },
      slurmDir: {
        flags: '--slurm-dir <dir>',
        help: 'a folder that all nodes see (default: .runmaker-slurm beside the queue)',
        value: 'text',
      },
    },
    leftovers: async queue => (await import('./slurm/array-folder.js')).unfinishedIn(queue),
    suits: ({ directives }, { executor }) => executor === undefined && directives.slurm !== undefined,
    open: async options => (await import('./slurm/open-slurm-executor.js')).openSlurmExecutor(options),
  },
];

/**
 * The kind that runs a job: the one the job asks for, otherwise the one in the options.
 * @throws RunmakerError `usage` when the options name no kind
 */
export function kindFor(job: Job, options: ExecuteOptions, kinds: readonly ExecutorKind[] = EXECUTOR_KINDS): ExecutorKind {
  return kinds.find(kind => kind.suits(job, options)) ?? usualKind(options, kinds);
}

/**
 * The kind for jobs that ask for none.
 * @throws RunmakerError `usage` when the options name no kind
 */
export function usualKind({ executor = 'shell' }: ExecuteOptions, kinds: readonly ExecutorKind[] = EXECUTOR_KINDS): ExecutorKind {
  const usual = kinds.find(({ name }) => name === executor);
  if (usual) return usual;
  const known = kinds.map(({ name }) => name).join(', ');
  throw new RunmakerError('usage', `--executor ${JSON.stringify(executor)}: one of ${known} is wanted`);
}

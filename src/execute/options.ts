/** The options of executors, as the library and the programs take them. */

/** The kinds of executors. */
export type ExecutorName = 'shell' | 'container' | 'slurm';

/** How jobs are run: the options of all kinds. */
export interface ExecuteOptions extends ShellOptions, ContainerOptions, SlurmOptions {
  /** The kind for jobs that ask for no other; `shell` by default. */
  readonly executor?: ExecutorName | undefined;
  /** Receives warnings for the user, with a hint. */
  readonly warn?: ((message: string, hint: string) => void) | undefined;
}

/** How shells are started. */
export interface ShellOptions {
  /** `/bin/sh` by default; a name without slash is looked up in PATH. */
  readonly shell?: string | undefined;
  /** Where jobs run; the runner's own working directory by default. */
  readonly directory?: string | undefined;
  /** Added to the runner's own niceness. */
  readonly nice?: number | undefined;
}

/** How containers are run. */
export interface ContainerOptions {
  /** For jobs that name none: with it, all jobs run in containers. */
  readonly image?: string | undefined;
  /** How long the pull of an image may take, in ms; half an hour by default. */
  readonly pullLimit?: number | undefined;
}

/** How jobs are run through Slurm. Times in ms. */
export interface SlurmOptions {
  /** Options of sbatch for every job, in one text: `-p short -A project`. */
  readonly slurm?: string | undefined;
  /** Most jobs in one array; as many as Slurm allows by default. */
  readonly arrayChunk?: number | undefined;
  /** The least time between two calls of squeue; 30 s by default. */
  readonly poll?: number | undefined;
  /** Most calls of each Slurm command per second; 2 by default. */
  readonly slurmRate?: number | undefined;
  /** A folder visible to all nodes, for files of the jobs; `.runmaker-slurm` beside the queue's file by default. */
  readonly slurmDir?: string | undefined;
}

/** An option on the command line. */
export interface ExecuteOption {
  /** In commander's form: `--nice <n>`. */
  readonly flags: string;
  readonly help: string;
  readonly value: 'flag' | 'text' | 'niceness' | 'duration' | 'count' | 'amount';
}

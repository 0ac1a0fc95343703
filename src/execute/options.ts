/** The options of executors, as the library and the programs take them. */

/** The kinds of executors. */
export type ExecutorName = 'shell' | 'container';

/** How jobs are run: the options of all kinds. */
export interface ExecuteOptions extends ShellOptions, ContainerOptions {
  /** The kind that runs jobs which do not ask for another one; `shell` by default. */
  readonly executor?: ExecutorName | undefined;
}

/** How shells are started. */
export interface ShellOptions {
  /** `/bin/sh` by default; a name without slash is looked up in PATH. */
  readonly shell?: string | undefined;
  /** Where jobs run; the runner's own working directory by default. */
  readonly directory?: string | undefined;
  /** Added to the niceness that the runner has. */
  readonly nice?: number | undefined;
}

/** How containers are run. */
export interface ContainerOptions {
  /** Of the jobs that name none: with it, all jobs run in containers. */
  readonly image?: string | undefined;
  /** How long the pull of an image may take, in ms; half an hour by default. */
  readonly pullLimit?: number | undefined;
}

/** An option on the command line. */
export interface ExecuteOption {
  /** As commander takes them: `--nice <n>`. */
  readonly flags: string;
  readonly help: string;
  readonly value: 'flag' | 'text' | 'niceness' | 'duration';
}

/**
 * The contract of an executor: how a command is run.
 *
 * **task**: one attempt at one job's command · **execution**: a task that was started ·
 * **label**: who runs it, as the output is tagged: `alice,601` (host without domain, process id).
 */

/** Which of a job's two outputs. */
export type OutputStream = 'stdout' | 'stderr';

/** One attempt at one job's command. */
export interface Task {
  /** Handed on byte for byte. */
  readonly command: Buffer;
  /** Added to the environment of the runner. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where, as an absolute path; absent: wherever this executor runs commands. */
  readonly directory?: string | undefined;
  /** A descriptor that the process inherits, so that its life proves the claim. It must stay open until `start` settles. */
  readonly presence?: number | undefined;
  /**
   * Takes output as it comes. A promise asks for a pause of that stream until it settles.
   * The bytes are only lent until the call returns or its promise settles.
   */
  output(stream: OutputStream, bytes: Buffer): void | Promise<void>;
}

/** How a process ended. */
export type Exit =
  | { readonly kind: 'exited'; readonly code: number }
  /** `signal`: its number, 9 for KILL. */
  | { readonly kind: 'signalled'; readonly signal: number };

/** A task that was started. */
export interface Execution {
  readonly label: string;
  readonly pid: number;
  /** Settles when the process has ended, both outputs are closed, and everything they carried was taken. */
  readonly exit: Promise<Exit>;
  /** Sends a signal to all processes of the task that can be reached. */
  kill(signal: NodeJS.Signals): void;
  /**
   * To be asked as soon as `exit` has settled, by whoever wants the whole task to end: settles when no process is left that `kill` can
   * reach. Until then `kill` reaches those that were left in the background; without being asked, it reaches nothing after `exit`.
   */
  gone?(): Promise<void>;
  /**
   * Stops waiting for outputs that a stray process keeps open after the task's own process has ended, for who takes them, and for what
   * cannot be killed.
   */
  abandon(): void;
}

/** A way to run commands. */
export interface Executor {
  /** Starts a task. Rejects with a RunmakerError of code `start` when it cannot be started. */
  start(task: Task): Promise<Execution>;
}

/**
 * The contract of an executor: how a job is run.
 *
 * **task**: one attempt at one job · **execution**: a task that was started ·
 * **handle**: where it runs, in the executor's words: a process id, a container id, a Slurm job id ·
 * **label**: who runs it, as its output is tagged: `alice,601` (host without domain, process id) ·
 * **attach**: to follow an execution that an earlier runner has started.
 *
 * test/conformance/ says what every executor must do; an executor is done when it passes.
 */
import type { Job } from '../job/job.js';
import type { Share } from '../job/needs.js';
import type { Exit } from '../job/outcome.js';

export type { Exit } from '../job/outcome.js';

/** Which of a job's two outputs. */
export type OutputStream = 'stdout' | 'stderr';

/** What an executor has to say about a task that it starts or runs. */
export type TaskNotice =
  /** How far the preparations are, such as the pull of an image. */
  | { readonly kind: 'progress'; readonly text: string }
  /** Something that the user should know. */
  | { readonly kind: 'warning'; readonly message: string; readonly hint?: string | undefined };

/** One attempt at one job. */
export interface Task {
  /** What to run. A shell is handed `job.command` byte for byte. */
  readonly job: Job;
  /** Address of the job's queue, the same on every host of a shared folder: with `job.id` it names the job. */
  readonly queue: string;
  /** From 1. */
  readonly attempt: number;
  /** What of the runner's resources the job may use. An executor enforces what it can: a container does, a shell cannot. */
  readonly share: Share;
  /** When the runner will end it, in ms from its start. The runner sees to that itself; an executor may, too, in case the runner dies. */
  readonly timeout?: number | undefined;
  /** Added to the environment that the executor gives every job. */
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
  tell?(notice: TaskNotice): void;
  /** Aborted when the task is not to be started any more. */
  readonly signal?: AbortSignal | undefined;
}

/** A task that was started. */
export interface Execution {
  /** With it, `Executor.attach` finds the task again, from another runner as well. */
  readonly handle: string;
  readonly label: string;
  /** Process id on this host; absent where the task is no process of this host. */
  readonly pid?: number | undefined;
  /** When it was started, in ms since 1970, where the executor knows that of a task that an earlier runner has started. */
  readonly start?: number | undefined;
  /** The executor itself ends the task at its time limit, which counts from when the task really starts. The runner's clock is not used then. */
  readonly limitsTime?: true | undefined;
  /** Settles when the task has ended, both outputs are closed, and everything they carried was taken. */
  readonly exit: Promise<Exit>;
  /** Sends a signal to all processes of the task that can be reached. */
  kill(signal: NodeJS.Signals): void;
  /**
   * To be asked as soon as `exit` has settled, by a runner that wants the whole task to end: settles when no process is left that `kill`
   * can reach. Until then `kill` reaches those that were left in the background; without being asked, it reaches nothing after `exit`.
   */
  gone?(): Promise<void>;
  /**
   * Stops waiting: for outputs that a stray process keeps open after the task's own process has ended, for what takes them, and for
   * what cannot be killed.
   */
  abandon(): void;
  /** Stops following the task, which goes on. `exit` never settles then. Absent where a task ends with its runner. */
  detach?(): Promise<void>;
  /** The job's final state is recorded: what the executor keeps for `survivors` may go, such as an ended container. */
  forget?(): Promise<void>;
}

/** A task of an earlier runner that still runs, or has ended and was not forgotten. */
export interface Survivor {
  readonly handle: string;
  /** The job's id as it was when the task was started. */
  readonly job: string;
  /** Digest of the job's command, by `commandDigest`: ids may have come to mean something else since. */
  readonly print: string;
  /** Ends it, and forgets it. For tasks whose claim was lost. */
  end(): Promise<void>;
}

/** A way to run jobs. */
export interface Executor {
  /** Starts a task. Rejects with a RunmakerError of code `start` when it cannot be started. */
  start(task: Task): Promise<Execution>;
  /**
   * The tasks of a queue's jobs that earlier runners have started and that can be attached to from here. Those of other runners that
   * live are among them. Absent where tasks end with their runner, or show presence for themselves.
   * @param jobs for which tasks are looked for: running jobs without presence. Without any: wherever this executor has started some
   */
  survivors?(queue: string, jobs: readonly Job[]): Promise<readonly Survivor[]>;
  /**
   * Follows a task of an earlier runner: `output` takes what comes from now on, and what the executor has kept of before. Undefined when
   * there is no such task any more.
   */
  attach?(handle: string, task: Task): Promise<Execution | undefined>;
  close?(): Promise<void>;
}

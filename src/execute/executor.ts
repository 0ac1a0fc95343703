/**
 * The contract of an executor: how a job is run.
 *
 * **task**: one attempt at one job · **execution**: a started task ·
 * **handle**: where it runs, in the executor's terms: a process id, a container id, a Slurm job id ·
 * **label**: the tag of its output: `alice,601` (host without domain, process id) ·
 * **attach**: to follow an execution that an earlier runner started.
 *
 * test/conformance/ defines what every executor must do; an executor is done when it passes.
 */
import type { Job } from '../job/job.js';
import type { Share } from '../job/needs.js';
import type { Exit } from '../job/outcome.js';

export type { Exit } from '../job/outcome.js';

/** Which of a job's two outputs. */
export type OutputStream = 'stdout' | 'stderr';

/** An executor's messages about a task that it starts or runs. */
export type TaskNotice =
  /** Progress of the preparations, such as the pull of an image. */
  | { readonly kind: 'progress'; readonly text: string }
  /** A warning for the user. */
  | { readonly kind: 'warning'; readonly message: string; readonly hint?: string | undefined };

/** One attempt at one job. */
export interface Task {
  /** What to run. A shell receives `job.command` byte for byte. */
  readonly job: Job;
  /** Address of the job's queue, the same on every host of a shared folder: with `job.id` it names the job. */
  readonly queue: string;
  /** From 1. */
  readonly attempt: number;
  /** The resources that the job may use. An executor enforces what it can: a container does, a shell cannot. */
  readonly share: Share;
  /** The time limit, in ms from the start. The runner enforces it itself; an executor may, too, in case the runner dies. */
  readonly timeout?: number | undefined;
  /** Added to the environment that the executor gives every job. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path of the working directory; absent: wherever this executor runs commands. */
  readonly directory?: string | undefined;
  /** A descriptor that the process inherits, so that its life proves the claim. It must stay open until `start` settles. */
  readonly presence?: number | undefined;
  /**
   * Takes output as it comes. A promise asks for a pause of that stream until it settles. The bytes are borrowed until the call returns or
   * its promise settles.
   */
  output(stream: OutputStream, bytes: Buffer): void | Promise<void>;
  tell?(notice: TaskNotice): void;
  /** Aborted when the task must no longer be started. */
  readonly signal?: AbortSignal | undefined;
}

/** A started task. */
export interface Execution {
  /** `Executor.attach` finds the task by it, in other runners as well. */
  readonly handle: string;
  readonly label: string;
  /** Process id on this host; absent if the task is not a process of this host. */
  readonly pid?: number | undefined;
  /** Start in ms since 1970, if the executor knows it for a task that an earlier runner started. */
  readonly start?: number | undefined;
  /**
   * The executor itself ends the task at its time limit, which counts from the task's actual start. The runner's clock is not used then.
   */
  readonly limitsTime?: true | undefined;
  /** Settles when the task has ended, both outputs are closed, and all output was taken. */
  readonly exit: Promise<Exit>;
  /** Sends a signal to all processes of the task within reach. */
  kill(signal: NodeJS.Signals): void;
  /**
   * Called as soon as `exit` has settled, by a runner that wants the whole task to end: settles when no process is left that `kill` can
   * reach. Until then `kill` reaches background processes; without this call, it reaches nothing after `exit`.
   */
  gone?(): Promise<void>;
  /**
   * Stops waiting: for outputs that a stray process keeps open after the task's own process has ended, for readers of the output, and for
   * processes that cannot be killed.
   */
  abandon(): void;
  /** Stops following the task, which goes on. `exit` never settles then. Absent if a task ends with its runner. */
  detach?(): Promise<void>;
  /** The job's final state is recorded: what the executor keeps for `survivors`, such as an ended container, may go. */
  forget?(): Promise<void>;
}

/** An earlier runner's task that still runs, or has ended and was not forgotten. */
export interface Survivor {
  readonly handle: string;
  /** The job's id when the task was started. */
  readonly job: string;
  /** Digest of the job's command, by `commandDigest`: ids may mean other jobs by now. */
  readonly print: string;
  /** Ends and forgets it. For tasks whose claim was lost. */
  end(): Promise<void>;
}

/** A way to run jobs. */
export interface Executor {
  /** Starts a task. Rejects with a RunmakerError of code `start` when it cannot be started. */
  start(task: Task): Promise<Execution>;
  /**
   * The tasks of a queue's jobs that earlier runners started and that this one can attach to. Includes those of other living runners.
   * Absent if tasks end with their runner, or show presence themselves.
   * @param jobs whose tasks to look for: running jobs without presence. If empty: wherever this executor has started some
   */
  survivors?(queue: string, jobs: readonly Job[]): Promise<readonly Survivor[]>;
  /**
   * Follows an earlier runner's task: `output` receives new output, and earlier output that the executor has kept. Undefined if the task no
   * longer exists.
   */
  attach?(handle: string, task: Task): Promise<Execution | undefined>;
  close?(): Promise<void>;
}

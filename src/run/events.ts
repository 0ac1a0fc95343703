import type { OutputStream } from '../execute/executor.js';
import type { Job } from '../job/job.js';
import type { Exit } from '../job/outcome.js';
import type { FinalState, State } from '../job/state.js';
import type { ClaimStatistics } from '../queue/queue.js';

/** How an attempt at a job ended. */
export type Outcome =
  | Exit
  /** `after`: milliseconds. */
  | { readonly kind: 'timedOut'; readonly after: number; readonly exit: Exit }
  /** Ended because the runner was told to stop. */
  | { readonly kind: 'interrupted'; readonly exit: Exit };

/** What every event about an attempt that was started carries. */
export interface Attempt {
  readonly job: Job;
  /** 1 … jobs at a time. */
  readonly slot: number;
  /** From 1. */
  readonly attempt: number;
  /** `alice,601`. */
  readonly label: string;
  readonly host: string;
  /** Process id on the host; absent where the job is no process of it. */
  readonly pid?: number | undefined;
  /** Where the job runs, in its executor's words: a process id, a container id, a Slurm job id. */
  readonly handle: string;
  /** Milliseconds since 1970. */
  readonly start: number;
}

/** What a runner did. */
export interface RunSummary {
  readonly succeeded: number;
  readonly failed: number;
  /** Could not be started or was interrupted. */
  readonly errors: number;
  /** Jobs whose state could not be written, because their lines were changed, or whose files were not all taken. */
  readonly refused: number;
  /** Jobs that are left alone because of what their lines say. */
  readonly unusable: number;
  /** Jobs that are left and can never run, because what they wait for failed or is held. */
  readonly blocked: number;
}

/** What a runner tells its listeners, in the order in which it happens. */
export type RunEvent =
  /** The job is ours. */
  | { readonly type: 'claimed'; readonly job: Job; readonly slot: number }
  /** The job is not started yet: what is done for it first, such as the pull of its image, and how far that is. */
  | { readonly type: 'preparing'; readonly job: Job; readonly slot: number; readonly text: string }
  /** An attempt was started. */
  | ({ readonly type: 'started' } & Attempt)
  /** Bytes as they came, cut anywhere. Only lent: a listener that keeps them copies them. */
  | ({ readonly type: 'output'; readonly stream: OutputStream; readonly bytes: Buffer } & Attempt)
  /** An attempt ended. `again`: the job is tried once more. */
  | ({ readonly type: 'ended'; readonly outcome: Outcome; readonly end: number; readonly again: boolean } & Attempt)
  /** The runner leaves and the job goes on: a later runner attaches to it. */
  | ({ readonly type: 'detached' } & Attempt)
  /** The job could not be started. */
  | { readonly type: 'notStarted'; readonly job: Job; readonly slot: number; readonly message: string }
  /** The job's final state was written (`.`: it was put back), or could not be: `refused` says why. */
  | {
      readonly type: 'finished';
      readonly job: Job;
      readonly slot: number;
      readonly state: FinalState | typeof State.new;
      readonly refused?: string | undefined;
    }
  /** The runner leaves. The last event of a run. */
  | ({ readonly type: 'summary'; readonly claims: ClaimStatistics } & RunSummary)
  /** Something that the user should know. */
  | { readonly type: 'warning'; readonly message: string; readonly hint?: string | undefined };

/** Takes events. A promise returned for `output` pauses that output until it settles. Never throws or rejects. */
export type Listener = (event: RunEvent) => void | Promise<void>;

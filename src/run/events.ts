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

/** Fields of every event about a started attempt. */
export interface Attempt {
  readonly job: Job;
  /** 1 … jobs at a time. */
  readonly slot: number;
  /** From 1. */
  readonly attempt: number;
  /** `alice,601`. */
  readonly label: string;
  readonly host: string;
  /** Process id on the host; absent if the job is not a process there. */
  readonly pid?: number | undefined;
  /** Where the job runs, in its executor's terms: a process id, a container id, a Slurm job id. */
  readonly handle: string;
  /** Milliseconds since 1970. */
  readonly start: number;
}

/** What a runner did. */
export interface RunSummary {
  readonly succeeded: number;
  readonly failed: number;
  /** Jobs that could not be started or were interrupted. */
  readonly errors: number;
  /** Jobs whose state could not be written because their lines had changed, or whose files were not all accepted. */
  readonly refused: number;
  /** Jobs left alone because of what their lines say. */
  readonly unusable: number;
  /** Remaining jobs that can never run, because what they wait for failed or is held. */
  readonly blocked: number;
}

/** What a runner tells its listeners, in order of occurrence. */
export type RunEvent =
  /** This runner has claimed the job. */
  | { readonly type: 'claimed'; readonly job: Job; readonly slot: number }
  /** Work before the job's start, such as pulling its image, and its progress. */
  | { readonly type: 'preparing'; readonly job: Job; readonly slot: number; readonly text: string }
  /** An attempt was started. */
  | ({ readonly type: 'started' } & Attempt)
  /** Bytes as they came, cut anywhere. Borrowed: a listener that keeps them must copy them. */
  | ({ readonly type: 'output'; readonly stream: OutputStream; readonly bytes: Buffer } & Attempt)
  /** An attempt ended. `again`: the job gets another try. */
  | ({ readonly type: 'ended'; readonly outcome: Outcome; readonly end: number; readonly again: boolean } & Attempt)
  /** The runner leaves and the job keeps running: a later runner attaches to it. */
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
  /** A warning for the user. */
  | { readonly type: 'warning'; readonly message: string; readonly hint?: string | undefined };

/** Receives events. A promise returned for `output` pauses that output until it settles. Never throws or rejects. */
export type Listener = (event: RunEvent) => void | Promise<void>;

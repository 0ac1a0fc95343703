import type { OutputStream } from '../../execute/executor.js';
import type { CommandJson } from './command-json.js';
import type { OutcomeJson } from './outcome-json.js';

/*
 * What `runmaker --json` prints: one event a line. Names and meanings are stable: later versions may add events and fields, and readers
 * should ignore those they do not know. Times are ISO 8601, UTC, with milliseconds.
 */

/** A job at the time of its claim. */
export type JobJson = {
  /** The job's id in its queue; its line number in decimal where jobs are lines. */
  readonly id: string;
  /** Line number, from 1; absent where jobs are not lines. */
  readonly number?: number;
  /** The state before the claim: `.`, or `!` or `e` with --retry. */
  readonly state: string;
} & CommandJson;

/** Fields of all events about an attempt. */
export interface AttemptJson<J = JobJson> {
  readonly time: string;
  readonly job: J;
  /** 1 … jobs at a time. */
  readonly slot: number;
  /** From 1. */
  readonly attempt: number;
  readonly host: string;
  /** Process id on the host; absent if the job is not a process there. */
  readonly pid?: number;
  /** Where the job runs, in its executor's terms: a process id, a container id, a Slurm job id. */
  readonly handle: string;
}

/** This runner has claimed the job. */
export interface ClaimedJson {
  readonly event: 'claimed';
  readonly time: string;
  readonly job: JobJson;
  readonly slot: number;
}

/** Work before the job's start, such as pulling its image, and its progress. */
export interface PreparingJson {
  readonly event: 'preparing';
  readonly time: string;
  readonly job: Pick<JobJson, 'id' | 'number'>;
  readonly slot: number;
  /** Human-readable. */
  readonly text: string;
}

/** An attempt was started. */
export interface StartedJson extends AttemptJson {
  readonly event: 'started';
}

/**
 * One line of output, without its newline, as `text`, or as `base64` if it is not UTF-8. A line longer than 64 KiB may come in parts. Only
 * the job's id is given: `claimed` has reported the command, which is often longer than the line.
 */
export type OutputJson = AttemptJson<Pick<JobJson, 'id' | 'number'>> & {
  readonly event: 'output';
  readonly stream: OutputStream;
} & ({ readonly text: string } | { readonly base64: string });

/** An attempt ended. */
export interface EndedJson extends AttemptJson, OutcomeJson {
  readonly event: 'ended';
  readonly start: string;
  readonly end: string;
  /** The job gets another try. */
  readonly again: boolean;
}

/** The runner leaves and the job keeps running: a later runner attaches to it. */
export interface DetachedJson extends AttemptJson {
  readonly event: 'detached';
}

/** The job could not be started. */
export interface NotStartedJson {
  readonly event: 'notStarted';
  readonly time: string;
  readonly job: JobJson;
  readonly slot: number;
  readonly message: string;
}

/** The job has its final state, or is back at `.`. */
export interface FinishedJson {
  readonly event: 'finished';
  readonly time: string;
  readonly job: JobJson;
  readonly slot: number;
  readonly state: string;
  /** Why the state could not be written; absent when it was. */
  readonly refused?: string;
}

/** A warning for the user. */
export interface WarningJson {
  readonly event: 'warning';
  readonly time: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What the runner did, as it leaves. The last line of a run. */
export interface SummaryJson {
  readonly event: 'summary';
  readonly time: string;
  readonly succeeded: number;
  readonly failed: number;
  /** Jobs that could not be started or were interrupted. */
  readonly errors: number;
  /** Results that could not be written because the lines had changed. */
  readonly refused: number;
  /** Jobs left alone because of what their lines say. */
  readonly unusable: number;
  /** Remaining jobs that can never run. */
  readonly blocked: number;
  /** How often the runner claimed a job, lost one to another runner, or found one locked. */
  readonly claims: { readonly won: number; readonly lost: number; readonly busy: number };
}

/** A line of `runmaker --json`. */
export type JsonEvent =
  | ClaimedJson
  | PreparingJson
  | StartedJson
  | OutputJson
  | EndedJson
  | DetachedJson
  | NotStartedJson
  | FinishedJson
  | SummaryJson
  | WarningJson;

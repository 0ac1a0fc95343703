import type { OutputStream } from '../../execute/executor.js';
import type { CommandJson } from './command-json.js';
import type { OutcomeJson } from './outcome-json.js';

/*
 * What `runmaker --json` prints: one of these a line. Names and meanings are stable: later versions may add events and fields,
 * and readers should pass over those that they do not know. Times are ISO 8601, UTC, with milliseconds.
 */

/** A job, as it was when it was claimed. */
export type JobJson = {
  /** Names the job in its queue; a line number in decimal where jobs are lines. */
  readonly id: string;
  /** Line number, from 1; absent where jobs are not lines. */
  readonly number?: number;
  /** The state that it was claimed in: `.`, or `!` or `e` with --retry. */
  readonly state: string;
} & CommandJson;

/** What all events that are about an attempt carry. */
export interface AttemptJson<J = JobJson> {
  readonly time: string;
  readonly job: J;
  /** 1 … jobs at a time. */
  readonly slot: number;
  /** From 1. */
  readonly attempt: number;
  readonly host: string;
  /** Process id on the host; absent where the job is no process of it. */
  readonly pid?: number;
  /** Where the job runs, in its executor's words: a process id, a container id, a Slurm job id. */
  readonly handle: string;
}

/** This runner has the job. */
export interface ClaimedJson {
  readonly event: 'claimed';
  readonly time: string;
  readonly job: JobJson;
  readonly slot: number;
}

/** The job is not started yet: what is done for it first, such as the pull of its image, and how far that is. */
export interface PreparingJson {
  readonly event: 'preparing';
  readonly time: string;
  readonly job: Pick<JobJson, 'id' | 'number'>;
  readonly slot: number;
  /** In words. */
  readonly text: string;
}

/** An attempt was started. */
export interface StartedJson extends AttemptJson {
  readonly event: 'started';
}

/**
 * One line of output, without its newline, as `text`, or as `base64` if it is not UTF-8. A line longer than 64 KiB may come in
 * parts. The job is given by its id alone: the command was told with `claimed` and is often longer than the line.
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
  /** The job is tried once more. */
  readonly again: boolean;
}

/** The runner leaves and the job goes on: a later runner attaches to it. */
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

/** The job is in its final state, or `.` again. */
export interface FinishedJson {
  readonly event: 'finished';
  readonly time: string;
  readonly job: JobJson;
  readonly slot: number;
  readonly state: string;
  /** Why the state could not be written; absent when it was. */
  readonly refused?: string;
}

/** Something that the user should know. */
export interface WarningJson {
  readonly event: 'warning';
  readonly time: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** The runner leaves: what it did. The last line of a run. */
export interface SummaryJson {
  readonly event: 'summary';
  readonly time: string;
  readonly succeeded: number;
  readonly failed: number;
  /** Could not be started or was interrupted. */
  readonly errors: number;
  /** Results that could not be written, because the lines were changed. */
  readonly refused: number;
  /** Jobs that are left alone because of what their lines say. */
  readonly unusable: number;
  /** Jobs that are left and can never run. */
  readonly blocked: number;
  /** How often a job was claimed, was found taken by another runner, and was found locked. */
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

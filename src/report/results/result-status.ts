import type { Attempt, RunEvent } from '../../run/events.js';
import { type CommandJson, commandJson } from '../json/command-json.js';
import { type OutcomeJson, outcomeJson } from '../json/outcome-json.js';

/** The content of status.json in a results folder. Times are ISO 8601, UTC. */
export type ResultStatus = {
  readonly host: string;
  /** Process id on the host; absent if the job is not a process there. */
  readonly pid?: number;
  /** Where the job runs, in its executor's terms. */
  readonly handle: string;
  /** From 1. */
  readonly attempt: number;
  readonly start: string;
} & CommandJson &
  ({ readonly outcome: 'running'; readonly exit: null; readonly signal: null } | ({ readonly end: string } & OutcomeJson));

/** @param ended absent while the attempt runs */
export function resultStatus(attempt: Attempt, ended?: Extract<RunEvent, { type: 'ended' }>): ResultStatus {
  const begun = {
    ...commandJson(attempt.job.command),
    host: attempt.host,
    ...(attempt.pid !== undefined && { pid: attempt.pid }),
    handle: attempt.handle,
    attempt: attempt.attempt,
    start: new Date(attempt.start).toISOString(),
  };
  if (ended === undefined) return { ...begun, outcome: 'running', exit: null, signal: null };
  return { ...begun, end: new Date(ended.end).toISOString(), ...outcomeJson(ended.outcome) };
}

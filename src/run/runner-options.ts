import type { Executor } from '../execute/executor.js';
import type { Listener } from './events.js';
import type { Resources } from './resources/resources.js';
import type { StopRules } from './stopping/results.js';

/** How a runner works. Times in ms. */
export interface RunnerOptions extends StopRules {
  /** Jobs at a time; 1 by default. */
  readonly jobs?: number;
  /** Start as many jobs as there are slots, then leave them running for a later runner; see `Runner.detach`. */
  readonly detach?: boolean;
  /** Only attach to jobs that earlier runners left running; claim nothing new. */
  readonly attachOnly?: boolean;
  /** How often a job may restart after it was lost through no fault of its own, such as with its node; 3 by default. */
  readonly infraRetries?: number;
  /** How commands are run; by `/bin/sh` by default. */
  readonly executor?: Executor;
  /** Resources for the jobs; all that this host has by default. */
  readonly resources?: Resources;
  /** Receive the events of the run. */
  readonly listeners?: readonly Listener[];
  /** Take failed jobs and errors too, each at most once. */
  readonly retry?: boolean;
  /** Stay when nothing is left, for jobs that are appended or reset. */
  readonly watch?: boolean;
  readonly timeout?: number | undefined;
  /** From TERM to KILL; 10 s by default. */
  readonly killAfter?: number;
  /** Attempts before a failing job counts as failed; 1 by default. */
  readonly tries?: number;
  /** Between two starts. */
  readonly delay?: number;
  /** Set orphans back to `.` and run them too. Not safe while older runners, which show no presence, work on the queue. */
  readonly reclaim?: boolean;
  /** Put interrupted jobs back to `.` instead of `e`. */
  readonly requeue?: boolean;
  /** When there is nothing to do here: checks before leaving, and ms between them. Absent: leave when no more jobs can come. */
  readonly idle?: { readonly looks: number; readonly pause: number } | undefined;
}

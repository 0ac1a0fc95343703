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
  /** Only go on with what earlier runners have left running, and claim nothing new. */
  readonly attachOnly?: boolean;
  /** How often a job may be started again that was lost through no doing of its own, such as with its node; 3 by default. */
  readonly infraRetries?: number;
  /** How commands are run; by `/bin/sh` by default. */
  readonly executor?: Executor;
  /** What jobs may be given; all that this host has by default. */
  readonly resources?: Resources;
  /** Receive the events of the run. */
  readonly listeners?: readonly Listener[];
  /** Take failed jobs and errors too, each at most once. */
  readonly retry?: boolean;
  /** Stay when nothing is left, for what is appended or reset. */
  readonly watch?: boolean;
  readonly timeout?: number | undefined;
  /** From TERM to KILL; 10 s by default. */
  readonly killAfter?: number;
  /** Runs in all before a failing job counts as failed; 1 by default. */
  readonly tries?: number;
  /** Between two starts. */
  readonly delay?: number;
  /** Set orphans back to `.` and run them too. Not safe while older runners, which show no presence, work on the queue. */
  readonly reclaim?: boolean;
  /** Put interrupted jobs back to `.` instead of `e`. */
  readonly requeue?: boolean;
  /** When nothing is to be done here: look so many times, with so many ms between, before leaving. Absent: leave when nothing can come any more. */
  readonly idle?: { readonly looks: number; readonly pause: number } | undefined;
}

/**
 * runmaker as a library: open a queue, run it, listen.
 *
 *     import { openQueue, Runner } from 'runmaker';
 *     const queue = await openQueue('runs.txt');
 *     const summary = await new Runner(queue, { jobs: 2 }).run();
 */
export { type ErrorCode, RunmakerError } from './errors.js';
export type { Execution, Executor, Exit, OutputStream, Survivor, Task } from './execute/executor.js';
export { openExecutor } from './execute/open.js';
export type { ExecuteOptions, ShellOptions } from './execute/options.js';
export { shellExecutor } from './execute/shell/shell-executor.js';
export { commandDigest } from './job/command-digest.js';
export type { DirectiveProblem, Directives } from './job/directives.js';
export type { Job } from './job/job.js';
export type { Range } from './job/line-ranges.js';
export type { Needs, Share } from './job/needs.js';
export type { JobOutcome } from './job/outcome.js';
export type { Selection } from './job/selection.js';
export { type Counts, type FinalState, State } from './job/state.js';
export { openQueue } from './queue/open.js';
export type {
  Capabilities,
  Claim,
  ClaimRequest,
  ClaimResult,
  ClaimStatistics,
  FinishResult,
  GitOptions,
  OpenOptions,
  Queue,
  QueueNotice,
  ReclaimRequest,
  ReleaseOptions,
  SetOptions,
  SetResult,
} from './queue/queue.js';
export { type Choose, type GitWorker, type GitWorkerOptions, gitWorker, type Lists, queueJobs, randomJobs } from './queue/worker.js';
export type { JsonEvent } from './report/json/json-event.js';
export type { Attempt, Listener, Outcome, RunEvent, RunSummary } from './run/events.js';
export { hostResources } from './run/resources/host-resources.js';
export { Resources } from './run/resources/resources.js';
export { Runner } from './run/runner.js';
export type { RunnerOptions } from './run/runner-options.js';
export { type HaltRule, parseHalt } from './run/stopping/halt.js';

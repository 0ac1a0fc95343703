import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../errors.js';
import { usualKind } from '../execute/kinds.js';
import { refuseLeftovers } from '../execute/leftovers.js';
import { openExecutor } from '../execute/open.js';
import { amount } from '../job/amount.js';
import { describeBlocked, describeNothing } from '../queue/end-messages.js';
import { isGitName } from '../queue/git/address.js';
import { idleLooksFrom, sleepFrom } from '../queue/git/settings.js';
import { kindOf } from '../queue/kinds.js';
import { describeNotice } from '../queue/notices.js';
import { openQueue } from '../queue/open.js';
import type { ClaimRequest, Queue, QueueNotice } from '../queue/queue.js';
import { lineText } from '../report/json/job-json.js';
import type { Warn } from '../report/output/write-failure.js';
import type { RunSummary } from '../run/events.js';
import { DESCRIPTORS_A_JOB, DESCRIPTORS_OF_RESULTS, jobsWithin } from '../run/resources/descriptors.js';
import { hostResources, otherResources } from '../run/resources/host-resources.js';
import { Runner } from '../run/runner.js';
import type { RunnerOptions } from '../run/runner-options.js';
import { descriptorLimit, usableCpus } from '../system/host.js';
import { leaveAtOnce } from '../system/leave.js';
import { type AccessOptions, accessTo } from './options/access.js';
import { executeOptions } from './options/execution.js';
import { RUNMAKER, type RunmakerOptions, readArguments, refuseContradictions } from './options/runmaker-options.js';
import { complain } from './program/complain.js';
import type { Output } from './program/output.js';
import { EXIT } from './program/program.js';
import { heedSignals, type SignalWatch } from './program/signals.js';
import { openReports } from './reports.js';

/** How long, in ms, a runner told to end at once still waits for output and records of its jobs. */
const LAST_WORDS = 1000;

/** With fewer open files nothing can run: the program itself needs most of them. */
const FEWEST_DESCRIPTORS = 32;

/** `runmaker`: claims the jobs of a queue and runs them. Returns the exit status. */
export async function runmaker(argv: readonly string[], output: Output, identity = RUNMAKER): Promise<number> {
  const signals = heedSignals();
  const { queueName, options } = readArguments(argv, output, identity);
  refuseContradictions(options);
  refuseTooFewDescriptors();
  let warnUser = (message: string, hint: string): void => warn({ message, hint });
  const execute = { ...executeOptions({ ...options }), warn: (message: string, hint: string) => warnUser(message, hint) };
  const executor = await openExecutor(execute);
  if (options.detach && !executor.attach) {
    throw new RunmakerError('usage', '--detach goes with jobs that can go on without a runner', {
      hint: 'pass --executor slurm, or --image',
    });
  }
  const resources = usualKind(execute).elsewhere ? otherResources(options) : hostResources(options);
  const idle = idleLooks(options, queueName);
  const queue = await openQueue(queueName, accessTo(queueName, ofQueue(options, queueName)));
  try {
    await refuseEmpty(queue, options);
    if (options.reclaim && usualKind(execute).name === 'shell') await refuseLeftovers(queue.address);
    if (options.dryRun)
      return await printPlan(queue, output, { retry: options.retry ?? false, capacity: resources.capacity }, options.oneOnly ?? false);
    const reports = await openReports(queue, options, () => runner.drain());
    warnUser = reports.warn;
    const runner = new Runner(queue, {
      ...given(options),
      idle,
      jobs: affordableJobs(options, reports.warn),
      executor,
      resources,
      listeners: reports.listeners,
    });
    signals.guide(runner, reports.warn);
    try {
      const summary = await runner.run();
      return signals.exitStatus() ?? exitStatus(summary, options);
    } finally {
      signals.release();
      const closed = reports.close();
      if (signals.isUrgent) await leaveSoon(closed, signals);
      await closed;
    }
  } finally {
    await executor.close?.();
    await queue.close();
  }
}

/** No longer waits for the output's reader or an unreachable queue, which may take arbitrarily long. */
async function leaveSoon(closed: Promise<void>, signals: SignalWatch): Promise<never> {
  const status = signals.exitStatus() ?? EXIT.failed;
  const isSaid = await Promise.race([closed.then(() => true), setTimeout(LAST_WORDS, false)]);
  return isSaid ? process.exit(status) : leaveAtOnce(status);
}

/** The options that the runner takes unchanged. */
function given({
  retry,
  oneOnly,
  watch,
  timeout,
  killAfter,
  retries,
  halt,
  delay,
  requeue,
  reclaim,
  infraRetries,
  detach,
  attach,
}: RunmakerOptions) {
  return {
    ...(retry && { retry }),
    ...(oneOnly && { oneOnly }),
    ...(watch && { watch }),
    ...(timeout !== undefined && { timeout }),
    ...(killAfter !== undefined && { killAfter }),
    ...(retries !== undefined && { tries: retries }),
    ...(halt && { halt }),
    ...(delay !== undefined && { delay }),
    ...(requeue && { requeue }),
    ...(reclaim && { reclaim }),
    ...(infraRetries !== undefined && { infraRetries }),
    ...(detach && { detach }),
    ...(attach && { attachOnly: true }),
  };
}

/** --sleep belongs to --max-idle as well, whatever the queue. */
function ofQueue({ sleep, ...options }: RunmakerOptions, queueName: string): AccessOptions {
  return { ...options, sleep: options.maxIdle === undefined || kindOf(queueName).options.includes('sleep') ? sleep : undefined };
}

/** gitrunner's variables apply where its queues do. */
function idleLooks({ maxIdle, sleep }: RunmakerOptions, queueName: string): RunnerOptions['idle'] {
  const variables = isGitName(queueName) ? process.env : {};
  const looks = maxIdle ?? idleLooksFrom(variables);
  return looks === undefined ? undefined : { looks, pause: sleepFrom(sleep, variables) };
}

/** The program itself takes most of these descriptors, some of them to load parts of itself: this is checked before anything else. */
function refuseTooFewDescriptors(): void {
  const limit = descriptorLimit();
  if (limit === undefined || limit >= FEWEST_DESCRIPTORS) return;
  throw new RunmakerError('usage', `there may be ${limit} open files, which leaves none for jobs`, {
    hint: 'raise the limit: ulimit -n 256',
  });
}

/** `-j`, limited by descriptors. */
function affordableJobs(options: RunmakerOptions, warn: Warn): number {
  const wanted = options.jobs || usableCpus();
  const limit = descriptorLimit();
  const room = jobsWithin(limit, DESCRIPTORS_A_JOB + (options.results === undefined ? 0 : DESCRIPTORS_OF_RESULTS));
  if (wanted > room) warn(`no more than ${amount(room, 'job')} at a time: there may be ${limit} open files`, 'raise the limit: ulimit -n');
  return Math.min(wanted, room);
}

/** A file without any job that could ever run is most likely the wrong file, or lacks the state characters. */
async function refuseEmpty(queue: Queue, options: RunmakerOptions): Promise<void> {
  if (options.watch || queue.capabilities.claimsOnly) return;
  const counts = await queue.counts();
  const nothing = describeNothing(queue, counts);
  if (nothing === undefined) return;
  const isTable = queue.name.endsWith('.csv') && !isGitName(queue.name);
  const inGit = `a queue.csv is worked on in its git repository: runmaker 'git:${path.dirname(queue.name)}#${path.basename(queue.name)}'`;
  throw new RunmakerError('input', nothing.message, { hint: isTable ? inGit : nothing.hint });
}

/** @param oneOnly plans as many jobs as would run if each succeeded: one */
async function printPlan(queue: Queue, output: Output, asker: ClaimRequest, oneOnly: boolean): Promise<number> {
  const left = { unusable: 0, tooBig: 0, writable: 0, news: 0 };
  const tell = (notice: QueueNotice): void => {
    left[notice.kind]++;
    warn(describeNotice(notice));
  };
  let planned = 0;
  for await (const jobs of queue.plan({ ...asker, tell })) {
    const shown = oneOnly ? jobs.slice(0, 1) : jobs;
    planned += shown.length;
    if (!(await output.print(Buffer.concat(shown.map(job => lineText(job, process.stdout.isTTY === true))))) || (oneOnly && planned > 0))
      return EXIT.ok;
  }
  const counts = await queue.counts();
  const wanted = counts.new + (asker.retry ? counts.failed + counts.error : 0);
  const blocked = wanted - planned - left.unusable - left.tooBig;
  if (blocked > 0) warn(describeBlocked(blocked, queue.name));
  return blocked > 0 ? EXIT.failed : left.unusable > 0 ? EXIT.usage : EXIT.ok;
}

function warn({ message, hint }: { message: string; hint: string }): void {
  complain(`runmaker: ${message}`, hint);
}

function exitStatus(summary: RunSummary, { halt }: RunmakerOptions): number {
  // The requested successes are reached; jobs ended because of that, or failed earlier, do not make the run a failure.
  const isSuccess = halt?.kind === 'successes' && summary.succeeded >= halt.count && summary.refused === 0;
  if (isSuccess) return EXIT.ok;
  if (summary.failed + summary.errors + summary.refused + summary.blocked > 0) return EXIT.failed;
  return summary.unusable > 0 ? EXIT.usage : EXIT.ok;
}

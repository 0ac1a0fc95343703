import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../errors.js';
import { openExecutor } from '../execute/open.js';
import { amount } from '../job/amount.js';
import { isGitName } from '../queue/git/address.js';
import { idleLooksFrom, sleepFrom } from '../queue/git/settings.js';
import { kindOf } from '../queue/kinds.js';
import { describeNotice } from '../queue/notices.js';
import { openQueue } from '../queue/open.js';
import type { OptionName } from '../queue/options.js';
import type { ClaimRequest, Queue, QueueNotice } from '../queue/queue.js';
import type { ColourChoice } from '../report/colour.js';
import { lineText } from '../report/job-list.js';
import type { Warn } from '../report/loss.js';
import { DESCRIPTORS_A_JOB, DESCRIPTORS_OF_RESULTS, jobsWithin } from '../run/descriptors.js';
import type { RunSummary } from '../run/events.js';
import { type HaltRule, parseHalt } from '../run/halt.js';
import { hostResources } from '../run/host-resources.js';
import { describeBlocked } from '../run/leaving.js';
import { Runner } from '../run/runner.js';
import type { RunnerOptions } from '../run/runner-options.js';
import { descriptorLimit, usableCpus } from '../system/host.js';
import { leaveAtOnce } from '../system/leave.js';
import { type AccessOptions, accessTo, withAccess } from './access.js';
import { complain } from './complain.js';
import { executeOptions, withExecution } from './execution.js';
import type { Output } from './output.js';
import { commandLine, EXIT } from './program.js';
import { openReports } from './reports.js';
import { heedSignals, type SignalWatch } from './signals.js';
import { duration, durationAbove0, amount as numberOf, oneOf, size, wholeNumber } from './values.js';

/** Once it was told to end at once: so long, in ms, a runner waits for what is still to be printed and written about its jobs. */
const LAST_WORDS = 1000;

/** Of each job: the log is for the last lines, and whole outputs go to --results. */
const MOST_LOG_LINES = 1000;
/** With fewer open files than these nothing can be done: the program itself takes most of them. */
const FEWEST_DESCRIPTORS = 32;

/** What `runmaker` was asked for, as commander names it. */
export interface RunmakerOptions extends AccessOptions {
  jobs: number;
  retry?: boolean;
  oneOnly?: boolean;
  logfile?: string;
  loglines?: number;
  joblog?: string;
  results?: string;
  watch?: boolean;
  timeout?: number;
  killAfter?: number;
  retries?: number;
  halt?: HaltRule;
  requeue?: boolean;
  reclaim?: boolean;
  maxIdle?: number;
  dryRun?: boolean;
  shell?: string;
  chdir?: string;
  nice?: number;
  delay?: number;
  cpus?: number;
  mem?: number;
  gpus?: number;
  json?: boolean;
  quiet?: boolean;
  progress: boolean;
  color: ColourChoice;
}

const HELP = `
A queue is a text file, a line is a job, and its first character the state: . new, r running, d done, ! failed, e error.
  sed 's/^/. /' commands.txt > runs.txt       make one of a list of commands
  runmaker -j2 runs.txt                       on every host that sees the file: run what is new
  runset --list --state failed,error runs.txt
Exit status: 0 all well, 1 a job failed, 2 usage or input, 3 the queue could not be reached or locked, 130 interrupted.
More in docs/runmaker.md.`;

/** A program that runs jobs: what it is called, and what it takes for a queue. */
export interface RunningProgram {
  readonly name: string;
  readonly description: string;
  readonly argument: readonly [term: string, description: string];
  /** What `openQueue` knows the queue by. */
  queueOf(argument: string): string;
}

/** The options of queues that mean something to a program which runs jobs. */
const RUNNING: readonly OptionName[] = [
  'patience',
  'lease',
  'queueFile',
  'sleep',
  'resultsDir',
  'maxJobAttempts',
  'locks',
  'unsafeLocks',
  'trustAny',
];

const RUNMAKER: RunningProgram = {
  name: 'runmaker',
  description: 'Claim the jobs of a queue and run them.',
  argument: [
    '<queue>',
    'path of the runs file: a job a line, "<state> <command>", state "." for new; or tcp://host of a runmaker-server, or git+ssh://…#runs.txt',
  ],
  queueOf: path => path,
};

/** `runmaker`: claims the jobs of a queue and runs them. Returns the exit status. */
export async function runmaker(argv: readonly string[], output: Output, identity = RUNMAKER): Promise<number> {
  const signals = heedSignals();
  const { queueName, options } = readArguments(argv, output, identity);
  refuseContradictions(options);
  const executor = await openExecutor(executeOptions({ ...options }));
  const resources = hostResources(options);
  const idle = idleLooks(options, queueName);
  const queue = await openQueue(queueName, accessTo(queueName, ofQueue(options, queueName)));
  try {
    await refuseEmpty(queue, options);
    if (options.dryRun)
      return await printPlan(queue, output, { retry: options.retry ?? false, capacity: resources.capacity }, options.oneOnly ?? false);
    const reports = await openReports(queue, options, () => runner.drain());
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

/** Neither the reader of what is printed nor a queue that cannot be reached is waited for any more: it would take until they feel like it. */
async function leaveSoon(closed: Promise<void>, signals: SignalWatch): Promise<never> {
  const status = signals.exitStatus() ?? EXIT.failed;
  const isSaid = await Promise.race([closed.then(() => true), setTimeout(LAST_WORDS, false)]);
  return isSaid ? process.exit(status) : leaveAtOnce(status);
}

/** The options that mean the same to the runner. */
function given({ retry, oneOnly, watch, timeout, killAfter, retries, halt, delay, requeue, reclaim }: RunmakerOptions) {
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
  };
}

/** --sleep goes with --max-idle too, whatever the queue. */
function ofQueue({ sleep, ...options }: RunmakerOptions, queueName: string): AccessOptions {
  return { ...options, sleep: options.maxIdle === undefined || kindOf(queueName).options.includes('sleep') ? sleep : undefined };
}

/** gitrunner's variables count where its queues do. */
function idleLooks({ maxIdle, sleep }: RunmakerOptions, queueName: string): RunnerOptions['idle'] {
  const variables = isGitName(queueName) ? process.env : {};
  const looks = maxIdle ?? idleLooksFrom(variables);
  return looks === undefined ? undefined : { looks, pause: sleepFrom(sleep, variables) };
}

/** `-j`, as far as descriptors go. */
function affordableJobs(options: RunmakerOptions, warn: Warn): number {
  const wanted = options.jobs || usableCpus();
  const limit = descriptorLimit();
  if (limit !== undefined && limit < FEWEST_DESCRIPTORS) {
    throw new RunmakerError('usage', `there may be ${limit} open files, which leaves none for jobs`, {
      hint: 'raise the limit: ulimit -n 256',
    });
  }
  const room = jobsWithin(limit, DESCRIPTORS_A_JOB + (options.results === undefined ? 0 : DESCRIPTORS_OF_RESULTS));
  if (wanted > room) warn(`no more than ${amount(room, 'job')} at a time: there may be ${limit} open files`, 'raise the limit: ulimit -n');
  return Math.min(wanted, room);
}

function readArguments(argv: readonly string[], output: Output, identity: RunningProgram): { queueName: string; options: RunmakerOptions } {
  const program = withExecution(withAccess(commandLine(identity.name, identity.description, output), RUNNING))
    .argument(...identity.argument)
    .option('-j, --jobs <n>', 'run so many jobs at a time; 0: one for each CPU', wholeNumber('--jobs', 0), 1)
    .option('-r, --retry', 'take failed ("!") and interrupted ("e") jobs too, each at most once')
    .option('-1, --one-only', 'leave after one successful job')
    .option('-l, --logfile <file>', 'keep the last lines of each job in this shared file of fixed records')
    .option('-n, --loglines <n>', 'lines kept for each job in the log file (default: 3)', wholeNumber('--loglines', 1, MOST_LOG_LINES))
    .option('--joblog <file>', "append a line for each finished run, in GNU parallel's columns")
    .option('--results <dir>', 'write whole outputs to DIR/<number>/stdout, stderr and status.json')
    .option('--watch', 'when nothing is left, stay and run what is appended or reset')
    .option('--timeout <duration>', 'end a job that runs longer: TERM, and KILL later', durationAbove0('--timeout'))
    .option('--kill-after <duration>', 'from TERM to KILL (default: 10s)', duration('--kill-after'))
    .option('--retries <n>', 'run a failing job up to so many times before it counts as failed', wholeNumber('--retries', 1))
    .option('--halt <when>', 'never, soon or now[,fail=N|fail=P%|success=N]: stop claiming, or kill what runs too', parseHalt)
    .option('--requeue', 'set interrupted jobs back to "." instead of "e"')
    .option('--reclaim', 'take jobs whose runner has died too (older runners show no sign of life: not beside them)')
    .option('--max-idle <n>', 'leave after so many looks without work, instead of when nothing is left', wholeNumber('--max-idle', 1))
    .option('--dry-run', 'print the commands that would run, in order; change nothing')
    .option('--delay <duration>', 'pause between two starts', duration('--delay'))
    .option('--cpus <n>', 'CPUs for jobs that ask for them (default: those this process may use)', numberOf('--cpus'))
    .option('--mem <size>', "memory for jobs that ask for it (default: the host's)", size('--mem'))
    .option('--gpus <n>', "GPUs for jobs that ask for them (default: the host's)", wholeNumber('--gpus', 0))
    .option('--json', 'print what happens as one JSON object a line')
    .option('-q, --quiet', 'print what the jobs print, and warnings, but not what is done')
    .option('--no-progress', 'no progress line on a terminal')
    .option('--color <when>', 'auto, always or never', oneOf('--color', ['auto', 'always', 'never']), 'auto')
    .addHelpText('after', HELP)
    .parse([...argv], { from: 'user' });
  return { queueName: identity.queueOf(program.args[0] as string), options: program.opts<RunmakerOptions>() };
}

function refuseContradictions(options: RunmakerOptions): void {
  const contradiction = [
    options.json && options.quiet && '--json and --quiet contradict each other',
    options.dryRun && options.watch && '--dry-run and --watch contradict each other',
    options.watch && options.maxIdle !== undefined && '--watch and --max-idle contradict each other',
    options.chdir !== undefined && options.resultsDir !== undefined && '--chdir and --results-dir contradict each other',
    options.dryRun && options.json && '--dry-run prints commands, not JSON events',
    options.loglines !== undefined && options.logfile === undefined && '--loglines goes with --logfile',
  ].find(Boolean);
  if (contradiction) throw new RunmakerError('usage', contradiction);
}

/** A file without a single job is most likely the wrong file, or lacks the state characters. */
async function refuseEmpty(queue: Queue, options: RunmakerOptions): Promise<void> {
  if (options.watch || queue.capabilities.claimsOnly || queue.capabilities.mayBeEmpty || (await queue.counts()).total > 0) return;
  const isTable = queue.name.endsWith('.csv') && !isGitName(queue.name);
  throw new RunmakerError('input', `${queue.name} holds no jobs`, {
    hint: isTable
      ? `a queue.csv is worked on in its git repository: runmaker 'git:${path.dirname(queue.name)}#${path.basename(queue.name)}'`
      : 'a job is a line with a state, a blank and a command: ". echo hello"',
  });
}

/** @param oneOnly as many as would be run if each succeeded: one */
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
    if (!(await output.print(Buffer.concat(shown.map(lineText)))) || (oneOnly && planned > 0)) return EXIT.ok;
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
  // What was wanted has been had; that others were told to end for it, or had failed before, is no failure.
  const isSuccess = halt?.kind === 'successes' && summary.succeeded >= halt.count && summary.refused === 0;
  if (isSuccess) return EXIT.ok;
  if (summary.failed + summary.errors + summary.refused + summary.blocked > 0) return EXIT.failed;
  return summary.unusable > 0 ? EXIT.usage : EXIT.ok;
}

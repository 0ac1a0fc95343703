import { RunmakerError } from '../../errors.js';
import type { OptionName } from '../../queue/options.js';
import type { ColourChoice } from '../../report/console/colour.js';
import { type HaltRule, parseHalt } from '../../run/stopping/halt.js';
import type { Output } from '../program/output.js';
import { commandLine } from '../program/program.js';
import { type AccessOptions, withAccess } from './access.js';
import { withExecution } from './execution.js';
import { amount, duration, durationAbove0, oneOf, size, wholeNumber } from './values.js';

/** Per job: the log holds last lines; whole outputs go to --results. */
const MOST_LOG_LINES = 1000;
/** The options of `runmaker`, as commander names them. */
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
  infraRetries?: number;
  detach?: boolean;
  attach?: boolean;
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
  sed 's/^/. /' commands.txt > runs.txt       turn a list of commands into a runs file
  runmaker -j2 runs.txt                       on every host that sees the file: run the new jobs
  runset --list --state failed,error runs.txt
Exit status: 0 all well, 1 a job failed, 2 usage or input, 3 the queue could not be reached or locked, 130 interrupted.
More in docs/runmaker.md.`;

/** A program that runs jobs: its name, and how it names its queue. */
export interface RunningProgram {
  readonly name: string;
  readonly description: string;
  readonly argument: readonly [term: string, description: string];
  /** The queue's name for `openQueue`. */
  queueOf(argument: string): string;
}

/** The queue options that apply to a program that runs jobs. */
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

export const RUNMAKER: RunningProgram = {
  name: 'runmaker',
  description: 'Claim the jobs of a queue and run them.',
  argument: [
    '<queue>',
    'path of the runs file: a job a line, "<state> <command>", state "." for new; or tcp://host of a runmaker-server, git+ssh://…#runs.txt, redis://host#name',
  ],
  queueOf: path => path,
};

/** Reads the command line of a program that runs jobs. */
export function readArguments(
  argv: readonly string[],
  output: Output,
  identity: RunningProgram,
): { queueName: string; options: RunmakerOptions } {
  const program = withExecution(withAccess(commandLine(identity.name, identity.description, output), RUNNING))
    .argument(...identity.argument)
    .option('-j, --jobs <n>', 'how many jobs to run at a time; 0: one for each CPU', wholeNumber('--jobs', 0), 1)
    .option('-r, --retry', 'take failed ("!") and interrupted ("e") jobs too, each at most once')
    .option('-1, --one-only', 'exit after one successful job')
    .option('-l, --logfile <file>', 'keep the last lines of each job in this shared file of fixed records')
    .option('-n, --loglines <n>', 'lines kept for each job in the log file (default: 3)', wholeNumber('--loglines', 1, MOST_LOG_LINES))
    .option('--joblog <file>', "append a line for each finished run, in GNU parallel's columns")
    .option('--results <dir>', 'write whole outputs to DIR/<number>/stdout, stderr and status.json')
    .option('--watch', 'when nothing is left, wait for jobs that are appended or set back')
    .option('--timeout <duration>', 'end jobs that run longer: TERM, then KILL', durationAbove0('--timeout'))
    .option('--kill-after <duration>', 'time from TERM to KILL (default: 10s)', duration('--kill-after'))
    .option('--retries <n>', 'run a failing job up to this many times before it counts as failed', wholeNumber('--retries', 1))
    .option('--halt <when>', 'never, soon or now[,fail=N|fail=P%|success=N]: stop claiming jobs, or also end the running ones', parseHalt)
    .option(
      '--infra-retries <n>',
      'how often a job that was lost with its node is started again (default: 3)',
      wholeNumber('--infra-retries', 0),
    )
    .option('--detach', 'start as many jobs as -j says, and leave them running; a later run goes on with them')
    .option('--attach', 'only go on with jobs that an earlier run has left running')
    .option('--requeue', 'set interrupted jobs back to "." instead of "e"')
    .option('--reclaim', 'also take jobs whose runner has died (not beside older runners, which show no sign of life)')
    .option('--max-idle <n>', 'exit after this many looks without work, instead of when nothing is left', wholeNumber('--max-idle', 1))
    .option('--dry-run', 'print the commands that would run, in order; change nothing')
    .option('--delay <duration>', 'pause between two starts', duration('--delay'))
    .option('--cpus <n>', 'CPUs for jobs that ask for them (default: those this process may use)', amount('--cpus'))
    .option('--mem <size>', "memory for jobs that ask for it (default: the host's)", size('--mem'))
    .option('--gpus <n>', "GPUs for jobs that ask for them (default: the host's)", wholeNumber('--gpus', 0))
    .option('--json', 'print events as JSON objects, one a line')
    .option('-q, --quiet', 'print the output of jobs and warnings, but no status lines')
    .option('--no-progress', 'no progress line on a terminal')
    .option('--color <when>', 'auto, always or never', oneOf('--color', ['auto', 'always', 'never']), 'auto')
    .addHelpText('after', HELP)
    .parse([...argv], { from: 'user' });
  return { queueName: identity.queueOf(program.args[0] as string), options: program.opts<RunmakerOptions>() };
}

/** @throws RunmakerError `usage` for options that exclude each other */
export function refuseContradictions(options: RunmakerOptions): void {
  const contradiction = [
    options.json && options.quiet && '--json and --quiet contradict each other',
    options.dryRun && options.watch && '--dry-run and --watch contradict each other',
    options.detach && options.watch && '--detach and --watch contradict each other',
    options.detach && options.attach && '--detach and --attach contradict each other',
    options.watch && options.maxIdle !== undefined && '--watch and --max-idle contradict each other',
    options.chdir !== undefined && options.resultsDir !== undefined && '--chdir and --results-dir contradict each other',
    options.dryRun && options.json && '--dry-run prints commands, not JSON events',
    options.loglines !== undefined && options.logfile === undefined && '--loglines goes with --logfile',
  ].find(Boolean);
  if (contradiction) throw new RunmakerError('usage', contradiction);
}

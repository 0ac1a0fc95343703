import { RunmakerError } from '../../errors.js';
import type { Output } from '../program/output.js';
import { commandLine } from '../program/program.js';
import { type AccessOptions, withAccess } from './access.js';
import { refuseOptionsAsCommands, wordsBehindDashes } from './words-to-add.js';

/** The options of `runset`, as commander names them. */
export interface RunsetOptions extends AccessOptions {
  all?: boolean;
  state?: string;
  match?: string;
  set?: string;
  force?: boolean;
  list?: boolean;
  json?: boolean;
  add?: string[];
  addFrom?: string;
  hold?: boolean;
  reclaim?: boolean;
  copyTo?: string;
  copyFrom?: string;
  stats?: boolean;
  doctor?: boolean;
  peer?: boolean;
}

/** Looks like a choice of jobs where the queue's name should be. */
export const JOB_CHOICE = /^(?:@?\d+|\d*-\d*)(?:,|$)/;
const HELP = `
  runset --list --state failed,error runs.txt      what went wrong?
  runset --set=. --state failed,error runs.txt     run it again
  runset --set=held --match 'seed 1[0-9]$' runs.txt
  runset --add 'python train.py --seed 9' runs.txt
Exit status: 0 all well, 1 a job was left alone, 2 usage or input, 3 the queue could not be reached or locked.
More in docs/runset.md.`;
const ACTIONS = ['set', 'list', 'add', 'addFrom', 'reclaim', 'copyTo', 'copyFrom', 'stats', 'doctor'] as const;
const ACTION_NAMES = '--set, --list, --add, --add-from, --reclaim, --copy-to, --copy-from, --stats, --doctor';

/** A command line of runset: its one action and the arguments. */
export interface RunsetArguments {
  readonly action: (typeof ACTIONS)[number];
  readonly queueName: string;
  readonly jobs: readonly string[];
  readonly options: RunsetOptions;
}

/** @throws RunmakerError `usage` for what cannot be read or would have no effect */
export function readArguments(argv: readonly string[], output: Output): RunsetArguments {
  const { queueName, jobs, options } = parse(argv, output);
  const actions = ACTIONS.filter(name => options[name] !== undefined && !isSecond(name, options));
  const [action] = actions;
  if (action === undefined || actions.length > 1) {
    throw new RunmakerError('usage', actions.length === 0 ? 'nothing to do' : `${actions.length} things to do at once`, {
      hint: `say one of ${ACTION_NAMES}`,
    });
  }
  refuseLostOptions(options, jobs);
  return { action, queueName, jobs, options };
}

/** `--add-from` may accompany `--add`, and `--list` may accompany `--set` to list the jobs that were set. */
function isSecond(name: (typeof ACTIONS)[number], { add, set }: RunsetOptions): boolean {
  return (name === 'addFrom' && add !== undefined) || (name === 'list' && set !== undefined);
}

function parse(argv: readonly string[], output: Output): { queueName: string; jobs: string[]; options: RunsetOptions } {
  const words = wordsBehindDashes(argv);
  const program = withAccess(commandLine('runset', 'Look at the jobs of a queue and change their states.', output), [
    'locks',
    'unsafeLocks',
  ])
    .argument('[queue]', 'path of the runs file; tcp://host or unix:path of a runmaker-server; git+ssh://…#runs.txt; redis://host#name')
    .argument('[jobs...]', 'line numbers (3, 3-10, -5, 20-) and byte offsets (@160)')
    .option('-s, --set <state>', 'set the state of the chosen jobs: . new, d done, ! failed, e error, - held')
    .option('--force', 'with --set: also set jobs that are being run')
    .option('-l, --list', 'print the chosen jobs, or all: "number: state - command"')
    .option('-a, --all', 'choose all jobs')
    .option('--state <states>', "choose the jobs in these states: '!e', or new, running, done, failed, error, held with commas between")
    .option('--match <regex>', 'choose the jobs whose command matches')
    .option('--add <command...>', 'append jobs')
    .option('--add-from <file>', 'append a job for each line of a file; - is the standard input')
    .option('--hold', 'with --add and --add-from: append them held ("-"), to be set to "." later')
    .option('--reclaim', 'set orphaned jobs, whose runners have died, back to "."')
    .option('--copy-to <queue>', 'move the chosen jobs, or all, with their states to the end of another queue')
    .option('--copy-from <queue>', 'the same from another queue to this one')
    .option('--stats', 'print how many jobs are in each state')
    .option('--doctor', 'check whether the file is safe to share, and print a checklist; exit status 0 only if it is')
    .option('--peer', 'with --doctor: wait for the same command on another host, and check whether the two exclude each other')
    .option('--json', 'with --list and --stats: print JSON')
    .addHelpText('after', HELP)
    .parse([...words.argv], { from: 'user' });
  const options = program.opts<RunsetOptions>();
  const added = options.add ?? [];
  refuseOptionsAsCommands(added.slice(0, added.length - words.asTheyAre));
  const [first, ...jobs] = program.args;
  // "--add" takes all words that follow it, including the queue's name if that comes last.
  const queueName = first ?? (options.add && options.add.length > 1 ? options.add.pop() : undefined);
  if (queueName === undefined) throw new RunmakerError('usage', 'no queue is named', { hint: hintFor(options) });
  return { queueName, jobs, options };
}

function hintFor({ set, add }: RunsetOptions): string {
  if (set !== undefined) return `--set takes a state (here ${JSON.stringify(set)}): runset --all --set=. runs.txt`;
  return add === undefined ? 'runset --list runs.txt' : "runset --add 'echo hello' runs.txt";
}

/** Whether anything chooses jobs. */
export function chooses(options: RunsetOptions, jobs: readonly string[]): boolean {
  return jobs.length > 0 || options.all === true || options.state !== undefined || options.match !== undefined;
}

function worksOnChosen({ set, list, copyTo, copyFrom }: RunsetOptions): boolean {
  return set !== undefined || list === true || copyTo !== undefined || copyFrom !== undefined;
}

/** Refuses options that would have no effect: the user expects one. */
function refuseLostOptions(options: RunsetOptions, jobs: readonly string[]): void {
  const adds = options.add !== undefined || options.addFrom !== undefined;
  const lost = [
    options.force && options.set === undefined && '--force goes with --set',
    options.hold && !adds && '--hold goes with --add',
    options.peer && !options.doctor && '--peer goes with --doctor',
    options.json && !options.list && !options.stats && '--json goes with --list and --stats',
    chooses(options, jobs) && !worksOnChosen(options) && 'only --set, --list and --copy-to, --copy-from work on chosen jobs',
  ].find(Boolean);
  if (lost) throw new RunmakerError('usage', lost);
}

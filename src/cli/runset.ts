import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { RunmakerError, reason } from '../errors.js';
import { refuseLeftovers } from '../execute/leftovers.js';
import type { Job } from '../job/job.js';
import { nameOfJob } from '../job/job.js';
import { linesIn } from '../job/lines.js';
import { jobLine } from '../job/print-job-lines.js';
import { type Selection, selectionOf } from '../job/selection.js';
import { State, stateNamed } from '../job/state.js';
import type { Finding } from '../queue/file/doctor/finding.js';
import { isGitName } from '../queue/git/address.js';
import { openQueue } from '../queue/open.js';
import { doubtNotice, findOrphans, nameJobs } from '../queue/orphans.js';
import type { Queue, QueueNotice } from '../queue/queue.js';
import { jobJson } from '../report/json/job-json.js';
import { withSignalsHeld } from '../system/hold-signals.js';
import { copyJobs } from './copy-jobs.js';
import { type AccessOptions, accessTo, isServed, withAccess } from './options/access.js';
import { refuseOptionsAsCommands, wordsBehindDashes } from './options/words-to-add.js';
import { complain } from './program/complain.js';
import type { Output } from './program/output.js';
import { commandLine, EXIT } from './program/program.js';

interface Options extends AccessOptions {
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

/** What is taken for a job where the queue's name should stand. */
const JOB_CHOICE = /^(?:@?\d+|\d*-\d*)(?:,|$)/;
/** Looks at what may be orphaned. */
const MOST_LOOKS = 8;
const HELP = `
  runset --list --state failed,error runs.txt      what went wrong?
  runset --set=. --state failed,error runs.txt     run it again
  runset --set=held --match 'seed 1[0-9]$' runs.txt
  runset --add 'python train.py --seed 9' runs.txt
Exit status: 0 all well, 1 a job was left alone, 2 usage or input, 3 the queue could not be reached or locked.
More in docs/runset.md.`;
const ACTIONS = ['set', 'list', 'add', 'addFrom', 'reclaim', 'copyTo', 'copyFrom', 'stats', 'doctor'] as const;
const ACTION_NAMES = '--set, --list, --add, --add-from, --reclaim, --copy-to, --copy-from, --stats, --doctor';

/** `runset`: looks at the jobs of a queue and changes their states. Returns the exit status. */
export async function runset(argv: readonly string[], output: Output): Promise<number> {
  const { queueName, jobs, options } = readArguments(argv, output);
  const action = ACTIONS.filter(name => options[name] !== undefined && !(name === 'addFrom' && options.add));
  if (action.length !== 1) {
    throw new RunmakerError('usage', action.length === 0 ? 'nothing to do' : `${action.length} things to do at once`, {
      hint: `say one of ${ACTION_NAMES}`,
    });
  }
  refuseLostOptions(options, jobs);
  const { copyTo, copyFrom } = options;
  if (copyTo !== undefined || copyFrom !== undefined) {
    const selection = chooses(options, jobs) ? selectionOf({ ...options, jobs }) : {};
    return await copyJobs(copyFrom ?? queueName, copyTo ?? queueName, selection, options, output);
  }
  const access = accessTo(queueName, options);
  if (options.doctor && isGitName(queueName)) {
    throw new RunmakerError('usage', '--doctor looks at the locks of files, and a push takes none', {
      hint: 'try: git ls-remote, and a push by hand',
    });
  }
  if (options.doctor) return await doctor(queueName, options, output);
  if (JOB_CHOICE.test(queueName))
    throw new RunmakerError('usage', `${queueName}: the queue comes first, then the jobs`, { hint: 'runset --list runs.txt 3-10' });
  const adds = action[0] === 'add' || action[0] === 'addFrom';
  const queue = await openQueue(queueName, { ...access, create: adds });
  try {
    switch (action[0]) {
      case 'set':
        return await setStates(
          queue,
          selectionOf({ ...options, jobs }),
          stateNamed(options.set as string) ?? (options.set as string),
          options.force ?? false,
        );
      case 'list':
        return await list(queue, chooses(options, jobs) ? selectionOf({ ...options, jobs }) : {}, output, options.json ?? false);
      case 'add':
      case 'addFrom':
        await add(queue, options);
        return EXIT.ok;
      case 'reclaim':
        await refuseLeftovers(queue.address);
        return await reclaim(queue, output);
      default:
        return await stats(queue, output, options.json ?? false);
    }
  } finally {
    await queue.close();
  }
}

function readArguments(argv: readonly string[], output: Output): { queueName: string; jobs: string[]; options: Options } {
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
    .option('--all', 'choose all jobs')
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
  const options = program.opts<Options>();
  const added = options.add ?? [];
  refuseOptionsAsCommands(added.slice(0, added.length - words.asTheyAre));
  const [first, ...jobs] = program.args;
  // "--add" takes all words that follow it, the queue's name among them when that stands last.
  const queueName = first ?? (options.add && options.add.length > 1 ? options.add.pop() : undefined);
  if (queueName === undefined) throw new RunmakerError('usage', 'no queue is named', { hint: hintFor(options) });
  return { queueName, jobs, options };
}

function hintFor({ set, add }: Options): string {
  if (set !== undefined) return `--set takes a state (here ${JSON.stringify(set)}): runset --all --set=. runs.txt`;
  return add === undefined ? 'runset --list runs.txt' : "runset --add 'echo hello' runs.txt";
}

function chooses(options: Options, jobs: readonly string[]): boolean {
  return jobs.length > 0 || options.all === true || options.state !== undefined || options.match !== undefined;
}

function worksOnChosen({ set, list, copyTo, copyFrom }: Options): boolean {
  return set !== undefined || list === true || copyTo !== undefined || copyFrom !== undefined;
}

/** An option that would have no effect was meant to have one. */
function refuseLostOptions(options: Options, jobs: readonly string[]): void {
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

async function setStates(queue: Queue, selection: Selection, state: string, force: boolean): Promise<number> {
  const { matched, running } = await queue.set(selection, state, { force, tell });
  for (const job of running) complain(`runset: ${nameOfJob(job)} is being run and was left alone`);
  if (running.length > 0) complain('pass --force to set it all the same: its result will not be recorded');
  if (matched === 0) {
    if (selection.lines === undefined && selection.offsets === undefined) complain('runset: no job is chosen, none was set');
    return nothingChosen(queue, selection);
  }
  const named = linesNamed(selection);
  if (named !== undefined && matched < named)
    complain(`runset: ${named - matched} of the ${named} lines named are no jobs, and were passed over`);
  return running.length > 0 ? EXIT.failed : EXIT.ok;
}

/** How many lines are named one by one, if nothing else chooses. */
function linesNamed({ lines = [], offsets, states, match }: Selection): number | undefined {
  const isExact = offsets === undefined && states === undefined && match === undefined && lines.every(({ from, to }) => from === to);
  return isExact ? new Set(lines.map(({ from }) => from)).size : undefined;
}

async function list(queue: Queue, selection: Selection, output: Output, json: boolean): Promise<number> {
  let printed = false;
  for await (const text of json ? inText(queue, selection, jobJson) : (queue.text?.(selection) ?? inText(queue, selection, jobLine))) {
    printed ||= text.length > 0;
    if (!(await output.printLent(text))) break;
  }
  return printed ? EXIT.ok : nothingChosen(queue, selection);
}

async function* inText(queue: Queue, selection: Selection, print: (job: Job) => Buffer): AsyncGenerator<Buffer> {
  for await (const jobs of queue.jobs(selection)) yield Buffer.concat(jobs.map(print));
}

/** That no job is in some state is no mistake; to name a line that is no job is one. */
function nothingChosen(queue: Queue, { lines, offsets }: Selection): number {
  if (lines === undefined && offsets === undefined) return EXIT.ok;
  complain(`runset: none of the lines named is a job of ${queue.name}`);
  return EXIT.usage;
}

async function doctor(path: string, { locks = 'record', peer = false }: Options, output: Output): Promise<number> {
  if (isServed(path)) throw new RunmakerError('usage', '--doctor looks at files', { hint: 'run it on the host of the server' });
  const { examine } = await import('../queue/file/doctor/examine.js');
  const { overall } = await import('../queue/file/doctor/overall.js');
  const findings: Finding[] = [];
  for await (const finding of examine({ path, locks, peer })) {
    findings.push(finding);
    // A reader that has gone does not end it: the verdict is also the exit status.
    await output.print(Buffer.from(`${MARKS[finding.verdict]} ${finding.what.padEnd(15)}${finding.detail}\n`));
  }
  const verdict = overall(findings);
  await output.print(Buffer.from(`${VERDICTS[verdict]}\n`));
  return { good: EXIT.ok, unsure: EXIT.failed, bad: EXIT.queue }[verdict];
}

const MARKS = { good: 'ok  ', unsure: '?   ', bad: 'BAD ' } as const;
const VERDICTS = {
  good: 'safe to share',
  unsure: 'nothing is wrong that can be seen from here; that is no proof: see the lines with a question mark',
  bad: 'not safe: jobs could be run twice',
} as const;

async function stats(queue: Queue, output: Output, json: boolean): Promise<number> {
  const counts = await queue.counts();
  const text = json
    ? JSON.stringify(counts)
    : Object.entries(counts)
        .map(([name, count]) => `${String(count).padStart(8)} ${name}`)
        .join('\n');
  await output.print(Buffer.from(`${text}\n`));
  return EXIT.ok;
}

/** Looks until it is sure of all that seems to be orphaned, unless the file is edited all the time. */
async function reclaim(queue: Queue, output: Output): Promise<number> {
  const { presenceReturns } = queue.capabilities;
  for (let looks = 1; ; looks++) {
    await reclaimOnce(queue, output);
    const doubtful = presenceReturns === undefined ? [] : await findOrphans(queue);
    if (presenceReturns === undefined || doubtful.length === 0) return EXIT.ok;
    if (looks === MOST_LOOKS) {
      complain(
        `runset: ${nameJobs(doubtful)} may be orphaned, and nobody can be sure: the file is edited again and again`,
        'try again later',
      );
      return EXIT.failed;
    }
    if (looks === 1) {
      const { message, hint } = doubtNotice(doubtful, presenceReturns);
      complain(`runset: ${message}`, hint);
    }
    await setTimeout(presenceReturns);
  }
}

function tell(notice: QueueNotice): void {
  if (notice.kind === 'news') complain(`runset: ${notice.message}`, notice.hint);
}

/** What was set back is printed at once, whatever comes after. */
async function reclaimOnce(queue: Queue, output: Output): Promise<void> {
  const jobs = await queue.reclaim({ tell });
  const lines = jobs.map(({ id, number, command, directives }) => jobLine({ id, number, state: State.new, command, directives }));
  await output.printLent(Buffer.concat(lines));
}

/** A terminal that is closed meanwhile leaves no jobs that are only added by half. */
async function add(queue: Queue, options: Options): Promise<void> {
  const commands = await commandsToAdd(options);
  await withSignalsHeld(() => queue.append(commands, { state: options.hold ? State.held : State.new }));
}

async function commandsToAdd({ add = [], addFrom }: Options): Promise<Buffer[]> {
  const commands = add.map(command => Buffer.from(command));
  if (addFrom === undefined) return commands;
  const bytes = await readAll(addFrom);
  for (const command of linesIn(bytes)) if (command.length > 0) commands.push(Buffer.from(command));
  return commands;
}

async function readAll(source: string): Promise<Buffer<ArrayBufferLike>> {
  try {
    return source === '-' ? await buffer(process.stdin) : await readFile(source);
  } catch (cause) {
    throw new RunmakerError('input', `${source}: ${reason(cause)}`, { cause });
  }
}

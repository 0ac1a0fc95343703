import { RunmakerError } from '../errors.js';
import { refuseLeftovers } from '../execute/leftovers.js';
import type { Job } from '../job/job.js';
import { nameOfJob } from '../job/job.js';
import { jobLine } from '../job/print-job-lines.js';
import { type Selection, selectionOf } from '../job/selection.js';
import { State, stateNamed } from '../job/state.js';
import { visibleBytes } from '../job/visible.js';
import { isGitName } from '../queue/git/address.js';
import { openQueue } from '../queue/open.js';
import type { Queue, QueueNotice } from '../queue/queue.js';
import { reclaimAll } from '../queue/reclaim-all.js';
import { jobJson } from '../report/json/job-json.js';
import { addJobs } from './add-jobs.js';
import { copyJobs } from './copy-jobs.js';
import { doctor } from './doctor.js';
import { accessTo } from './options/access.js';
import { chooses, JOB_CHOICE, readArguments } from './options/runset-options.js';
import { complain } from './program/complain.js';
import type { Output } from './program/output.js';
import { EXIT } from './program/program.js';

/** `runset`: shows the jobs of a queue and changes their states. Returns the exit status. */
export async function runset(argv: readonly string[], output: Output): Promise<number> {
  const { action, queueName, jobs, options } = readArguments(argv, output);
  const selection = chooses(options, jobs) || action === 'set' ? selectionOf({ ...options, jobs }) : {};
  if (action === 'copyTo' || action === 'copyFrom')
    return await copyJobs(options.copyFrom ?? queueName, options.copyTo ?? queueName, selection, options, output);
  const access = accessTo(queueName, options);
  if (action === 'doctor' && isGitName(queueName)) {
    throw new RunmakerError('usage', '--doctor looks at the locks of files, and a push takes none', {
      hint: 'try: git ls-remote, and a push by hand',
    });
  }
  if (action === 'doctor') return await doctor(queueName, options, output);
  if (JOB_CHOICE.test(queueName))
    throw new RunmakerError('usage', `${queueName}: the queue comes first, then the jobs`, { hint: 'runset --list runs.txt 3-10' });
  const queue = await openQueue(queueName, { ...access, create: action === 'add' || action === 'addFrom' });
  try {
    switch (action) {
      case 'set': {
        const { set = '', force = false } = options;
        const setting = (): Promise<number> => setStates(queue, selection, stateNamed(set) ?? set, force);
        return options.list ? await setAndList(queue, selection, output, options.json ?? false, setting) : await setting();
      }
      case 'list':
        return await list(queue, selection, output, options.json ?? false);
      case 'add':
      case 'addFrom':
        await addJobs(queue, options);
        return EXIT.ok;
      case 'reclaim':
        await refuseLeftovers(queue.address);
        return await reclaim(queue, output);
      case 'stats':
        return await stats(queue, output, options.json ?? false);
    }
  } finally {
    await queue.close();
  }
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

/** How many lines are named individually, if nothing else chooses. */
function linesNamed({ lines = [], offsets, states, match }: Selection): number | undefined {
  const isExact = offsets === undefined && states === undefined && match === undefined && lines.every(({ from, to }) => from === to);
  return isExact ? new Set(lines.map(({ from }) => from)).size : undefined;
}

/** Lists the chosen jobs in their new state: most have left the state by which they were chosen. */
async function setAndList(queue: Queue, selection: Selection, output: Output, json: boolean, set: () => Promise<number>): Promise<number> {
  const lines: { from: number; to: number }[] = [];
  if (selection.states) {
    for await (const jobs of queue.jobs(selection))
      for (const { number } of jobs) if (number !== undefined) lines.push({ from: number, to: number });
  }
  const status = await set();
  if (!selection.states) await list(queue, selection, output, json);
  else if (lines.length > 0) await list(queue, { lines }, output, json);
  return status;
}

async function list(queue: Queue, selection: Selection, output: Output, json: boolean): Promise<number> {
  let printed = false;
  for await (const text of listed(queue, selection, json)) {
    printed ||= text.length > 0;
    if (!(await output.printLent(text))) break;
  }
  return printed ? EXIT.ok : nothingChosen(queue, selection);
}

/** On a terminal control characters are escaped: one command could hide another. */
function listed(queue: Queue, selection: Selection, json: boolean): AsyncIterable<Buffer> {
  if (json) return inText(queue, selection, jobJson);
  if (process.stdout.isTTY) return inText(queue, selection, shownLine);
  return queue.text?.(selection) ?? inText(queue, selection, jobLine);
}

function shownLine(job: Job): Buffer {
  return jobLine({ id: job.id, state: job.state, holder: job.holder, command: visibleBytes(job.command), directives: job.directives });
}

async function* inText(queue: Queue, selection: Selection, print: (job: Job) => Buffer): AsyncGenerator<Buffer> {
  for await (const jobs of queue.jobs(selection)) yield Buffer.concat(jobs.map(print));
}

/** Having no job in some state is no error; naming a line that is not a job is one. */
function nothingChosen(queue: Queue, { lines, offsets }: Selection): number {
  if (lines === undefined && offsets === undefined) return EXIT.ok;
  complain(`runset: none of the lines named is a job of ${queue.name}`);
  return EXIT.usage;
}

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

function tell(notice: QueueNotice): void {
  if (notice.kind === 'news') complain(`runset: ${notice.message}`, notice.hint);
}

/** Prints at once what was set back, whatever happens later. */
async function reclaim(queue: Queue, output: Output): Promise<number> {
  const reclaiming = reclaimAll(queue, tell);
  for (;;) {
    const step = await reclaiming.next();
    if (step.done) return step.value.isSure ? EXIT.ok : EXIT.failed;
    const lines = step.value.map(({ id, number, command, directives }) => jobLine({ id, number, state: State.new, command, directives }));
    await output.printLent(Buffer.concat(lines));
  }
}

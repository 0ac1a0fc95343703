import { RunmakerError } from '../errors.js';
import { nameOfJob } from '../job/job.js';
import type { Selection } from '../job/selection.js';
import { kindOf } from '../queue/kinds.js';
import { moveJobs } from '../queue/move-jobs.js';
import { openQueue } from '../queue/open.js';
import { flagOf, type OptionName, QUEUE_OPTIONS } from '../queue/options.js';
import type { Queue } from '../queue/queue.js';
import { type AccessOptions, accessTo } from './options/access.js';
import { complain } from './program/complain.js';
import type { Output } from './program/output.js';
import { EXIT } from './program/program.js';

/** `runset --copy-to`, `--copy-from`: moves jobs with their states between two queues. Returns the exit status. */
export async function copyJobs(from: string, to: string, selection: Selection, options: AccessOptions, output: Output): Promise<number> {
  refuseLost(from, to, options);
  const opened: Queue[] = [];
  try {
    for (const name of [from, to]) opened.push(await openQueue(name, accessTo(name, optionsFor(name, options))));
    const [source, target] = opened as [Queue, Queue];
    const { moved, running, resumed } = await moveJobs(source, target, selection);
    if (resumed > 0) complain(`runset: ${resumed} jobs were on their way since an earlier move was cut short, and have arrived`);
    for (const job of running) complain(`runset: ${nameOfJob(job)} is being run and was left where it is`);
    await output.print(Buffer.from(`${moved} jobs moved to ${target.name}\n`));
    return running.length > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    for (const queue of opened) await queue.close();
  }
}

/** The options that apply to this queue. */
function optionsFor(name: string, options: AccessOptions): AccessOptions {
  const { options: known } = kindOf(name);
  const given = Object.fromEntries(known.map(option => [option, options[option]])) as AccessOptions;
  return { ...given, ...(known.includes('token') && options.tokenfile !== undefined && { tokenfile: options.tokenfile }) };
}

function refuseLost(from: string, to: string, options: AccessOptions): void {
  const known = new Set([...kindOf(from).options, ...kindOf(to).options]);
  const lost = (Object.keys(QUEUE_OPTIONS) as OptionName[]).find(option => options[option] !== undefined && !known.has(option));
  if (lost !== undefined) throw new RunmakerError('usage', `${flagOf(lost)} means nothing to either queue`);
}

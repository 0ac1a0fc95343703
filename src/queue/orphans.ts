import { RunmakerError } from '../errors.js';
import { State } from '../job/state.js';
import type { Queue } from './queue.js';

/** The line numbers of orphans: jobs that are said to run while nobody shows that they do. None where the queue cannot tell. */
export async function findOrphans(queue: Queue): Promise<number[]> {
  const orphans: number[] = [];
  if (!queue.capabilities.presence) return orphans;
  const { running, claimed } = await queue.counts();
  if (running + claimed === 0) return orphans;
  for await (const jobs of queue.jobs({ states: [State.running, State.claimed] })) {
    for (const job of jobs) if (job.holder === 'absent') orphans.push(job.number);
  }
  return orphans;
}

/** The same for whoever can wait; undefined when the queue cannot be reached now. That is for those to deal with who need it: they are more patient. */
export async function findOrphansNow(queue: Queue): Promise<number[] | undefined> {
  try {
    return await findOrphans(queue);
  } catch (error) {
    if (error instanceof RunmakerError && error.code === 'queue') return undefined;
    throw error;
  }
}

/** "line 3", "lines 3, 5 and 9", "lines 3, 5, 9 and 20 more". */
export function nameLines(lines: readonly number[]): string {
  if (lines.length === 1) return `line ${lines[0]}`;
  const shown = lines.slice(0, SHOWN);
  const rest = lines.length - shown.length;
  if (rest > 0) return `lines ${shown.join(', ')} and ${rest} more`;
  return `lines ${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** What to say before such lines are looked at again, after so many ms. */
export function doubtNotice(lines: readonly number[], ms: number): { readonly message: string; readonly hint: string } {
  return {
    message: `${nameLines(lines)} ${lines.length === 1 ? 'seems' : 'seem'} to be orphaned; looking again in ${Math.round(ms / 1000)} s`,
    hint: 'within this time whoever runs it shows presence again, should the file have just been edited or its server have been away',
  };
}

const SHOWN = 10;

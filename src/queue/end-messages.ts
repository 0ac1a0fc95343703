import { amount } from '../job/amount.js';
import { type Counts, State, statesNamed } from '../job/state.js';
import type { Queue } from './queue.js';

/** A message for the user, and what can be done. */
export interface Words {
  readonly message: string;
  readonly hint: string;
}

/** Most lines to name individually. */
const MOST_NAMED = 8;
const HELD = statesNamed('held') ?? [];

/** Why a finished queue holds jobs that were not run: those that can never run, and those in unknown states. */
export async function describeLeftovers(queue: Queue, counts: Counts): Promise<Words[]> {
  const words: Words[] = [];
  if (counts.blocked > 0) words.push(describeBlocked(counts.blocked, queue.name, await unusableLines(queue)));
  const held = counts.held > 0 ? await describeHeld(queue) : undefined;
  return held ? [...words, held] : words;
}

/**
 * Reports that jobs are left which can never run as things stand.
 *
 * @param jobs as many as `runset --stats` counts
 * @param unusable the lines of those whose own directives are unreadable or impossible
 */
export function describeBlocked(jobs: number, queue: string, unusable: readonly number[] = []): Words {
  const are = `${amount(jobs, 'job')} ${jobs === 1 ? 'is' : 'are'} blocked and cannot run`;
  const list = `see runset --list ${queue} ${unusable.slice(0, MOST_NAMED).join(',')}`;
  const others = `see runset --list --state failed,error,held ${queue}, mend what failed, then set it to "." or pass --retry`;
  if (unusable.length === 0) return { message: `${are}: what must come first failed, is held, or cannot be read`, hint: others };
  const named = `what ${namedLines(unusable)} ${unusable.length === 1 ? 'says' : 'say'} cannot be read or come true`;
  if (unusable.length >= jobs) return { message: `${are}: ${named}`, hint: `${list}, and mend the directives` };
  return { message: `${are}: ${named}; the others wait for such jobs, or for failed or held ones`, hint: `${list}\n${others}` };
}

function namedLines(lines: readonly number[]): string {
  const more = lines.length - MOST_NAMED;
  const shown = lines.slice(0, MOST_NAMED).join(', ');
  return `${lines.length === 1 ? 'line' : 'lines'} ${shown}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The lines of jobs that every runner leaves alone because of their directives. */
async function unusableLines(queue: Queue): Promise<number[]> {
  const lines = new Set<number>();
  const plan = queue.plan({ tell: notice => void (notice.kind === 'unusable' && lines.add(notice.line)) });
  // Notices come before the first job.
  for await (const _ of plan) break;
  return [...lines].sort((a, b) => a - b);
}

/** `2 jobs are held (R: 1, x: 1)`. Jobs held by `-`, the usual character, need no message. */
async function describeHeld(queue: Queue): Promise<Words | undefined> {
  const byState = new Map<string, number>();
  let first: string | undefined;
  for await (const jobs of queue.jobs({ states: HELD.filter(state => state !== State.held) })) {
    for (const { id, state } of jobs) {
      first ??= id;
      byState.set(state, (byState.get(state) ?? 0) + 1);
    }
  }
  if (first === undefined) return undefined;
  const jobs = [...byState.values()].reduce((sum, count) => sum + count, 0);
  const each = [...byState].map(([state, count]) => `${state}: ${count}`).join(', ');
  return {
    message: `${amount(jobs, 'job')} ${jobs === 1 ? 'is' : 'are'} held (${each}): no runner takes jobs in such states; the first is job ${first}`,
    hint: `see runset --list --state held ${queue.name}; to run them: runset --set=. --state ${[...byState.keys()].join(',')} ${queue.name}`,
  };
}

/** Why nothing in the queue could run, if so: it has no jobs, or only held ones. Most likely this is the wrong file. */
export function describeNothing(queue: Queue, counts: Counts): Words | undefined {
  if (counts.total === 0) {
    if (queue.capabilities.mayBeEmpty) return undefined;
    return { message: `${queue.name} holds no jobs`, hint: 'a job is a line with a state, a blank and a command: ". echo hello"' };
  }
  if (counts.held < counts.total) return undefined;
  const all = counts.total === 1 ? 'its only job is' : `all ${counts.total} jobs are`;
  return {
    message: `${queue.name}: ${all} held, so there is nothing to run`,
    hint: `runners take jobs in state ".": see runset --list ${queue.name}; to run all: runset --set=. --all ${queue.name}`,
  };
}

import type { Git } from '../plumbing/git.js';

/** Lines at the end of commit messages by which attempts at a job are counted, whoever made them. */
const AGAIN = 'Tried-again';
const ENOUGH = 'Tried-enough';

/** What a failure of a job comes to: whether it is to be tried again, and what to write into the history for the next who asks. */
export interface Verdict {
  readonly again: boolean;
  readonly trailer: string;
}

/** What to write into the history of a job that was done, where attempts are counted: those before it count no more. */
export function doneTrailer(job: string): string {
  return `${ENOUGH}: ${job}`;
}

/**
 * Counts how often a job has failed since it last was done or failed for good, in the history of the branch.
 * @param commit where the history ends · @param job its hash · @param most attempts in all
 */
export async function judgeFailure(git: Git, commit: string, job: string, most: number): Promise<Verdict> {
  const messages = await git.text(['log', '--format=%b', '--fixed-strings', `--grep=: ${job}`, commit]);
  const again = failuresIn(messages, job) + 1 < most;
  return { again, trailer: `${again ? AGAIN : ENOUGH}: ${job}` };
}

/** @param messages the latest first */
export function failuresIn(messages: string, job: string): number {
  const lines = messages.split('\n').filter(line => line === `${AGAIN}: ${job}` || line === `${ENOUGH}: ${job}`);
  const enough = lines.indexOf(`${ENOUGH}: ${job}`);
  return enough < 0 ? lines.length : enough;
}

/** Counts the attempts at a job in the history of the branch, over all runners: trailers of commit messages name its failures. */
import type { Git } from '../plumbing/git.js';

const AGAIN = 'Tried-again';
const ENOUGH = 'Tried-enough';

/** The consequence of a job's failure, and the trailer that lets the next runner count it. */
export interface Verdict {
  readonly again: boolean;
  readonly trailer: string;
}

/** The trailer for a job that succeeded: earlier failures no longer count. */
export function doneTrailer(job: string): string {
  return `${ENOUGH}: ${job}`;
}

/**
 * Decides whether to retry a failed job.
 * @param commit the end of the history · @param job its hash · @param most attempts in all
 */
export async function judgeFailure(git: Git, commit: string, job: string, most: number): Promise<Verdict> {
  const messages = await git.text(['log', '--format=%b', '--fixed-strings', `--grep=: ${job}`, commit]);
  const again = failuresIn(messages, job) + 1 < most;
  return { again, trailer: `${again ? AGAIN : ENOUGH}: ${job}` };
}

/** How often a job has failed since it last succeeded or failed for good. @param messages the latest first */
export function failuresIn(messages: string, job: string): number {
  const lines = messages.split('\n').filter(line => line === `${AGAIN}: ${job}` || line === `${ENOUGH}: ${job}`);
  const enough = lines.indexOf(`${ENOUGH}: ${job}`);
  return enough < 0 ? lines.length : enough;
}

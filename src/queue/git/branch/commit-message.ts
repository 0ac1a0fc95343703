/** The messages of the commits that change states: written for people, and read by other runners. */
import { State } from '../../../job/state.js';

/** How many line numbers a message names at most. */
const NAMED = 25;

/** The verb for jobs that were set back because their lease had expired. */
export const RECLAIMED = 'reclaimed';

/** The verb for jobs that were put back. */
export const PUT_BACK = 'put back';

/** The trailer that names the runner. Without it, two runners that do the same within a second would create the same commit. */
const RUNNER = 'Runner';

/** The verb for a job's new state. */
export function verbFor(state: State): string {
  switch (state) {
    case State.done:
      return 'finished';
    case State.failed:
      return 'failed';
    case State.error:
      return 'broke off';
    default:
      return PUT_BACK;
  }
}

/** `3 jobs (4,5,6)` */
export function jobsInWords(lines: readonly number[]): string {
  const shown = lines.length > NAMED ? `${lines.slice(0, NAMED).join(',')},…` : lines.join(',');
  return `${lines.length === 1 ? '1 job' : `${lines.length} jobs`} (${shown})`;
}

/** @param count tells the commits of one runner apart */
export function runnerTrailer(runner: string, count: number): string {
  return `${RUNNER}: ${runner} ${count}`;
}

/** The runner that made a commit; undefined for commits of people and of other programs. */
export function runnerIn(message: string): string | undefined {
  return new RegExp(`^${RUNNER}: (\\S+) \\d+$`, 'm').exec(message)?.[1];
}

/** Whether a commit's message says that jobs were set back because their lease had expired. */
export function saysReclaimed(message: string): boolean {
  return new RegExp(`^runmaker \\S+: ${RECLAIMED} `).test(message);
}

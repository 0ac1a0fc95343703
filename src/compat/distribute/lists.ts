/**
 * What the files of Distribute say: jobs that no worker has taken, those that are worked on, those that are done (the latest first),
 * and the worker that is changing them just now. Pure.
 */
export interface Lists {
  readonly jobs: readonly string[];
  /** Whether there is no jobs.txt, so that `jobs` is empty. Only a worker that chooses from it needs one. */
  readonly noJobsFile?: boolean;
  readonly running: readonly string[];
  readonly done: readonly string[];
  /** The name of the worker that is changing the lists; empty when none is. */
  readonly lock: string;
}

/** The files, at the top of the repository. */
export const LIST_FILES = { jobs: 'jobs.txt', running: 'running.txt', done: 'done.txt', lock: 'lock.txt' } as const;

/** The jobs of a file, one a line. */
export function readList(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}

export function printList(jobs: readonly string[]): string {
  return jobs.map(job => `${job}\n`).join('');
}

/** A job goes from those to be done to the top of those that run. One that was thought of just now comes from nowhere. */
export function takeJob(lists: Lists, job: string): Lists {
  return { ...lists, jobs: without(lists.jobs, job), running: [job, ...lists.running] };
}

/** A job goes from those that run to the top of those that are done. */
export function finishJob(lists: Lists, job: string): Lists {
  return { ...lists, running: without(lists.running, job), done: [job, ...lists.done] };
}

/** A job that was taken goes back to the top of those to be done, or nowhere if it was not `listed` among them. */
export function returnJob(lists: Lists, job: string, listed: boolean): Lists {
  return { ...lists, jobs: listed ? [job, ...lists.jobs] : lists.jobs, running: without(lists.running, job) };
}

/** New jobs come after those that are to be done. */
export function addJobs(lists: Lists, jobs: readonly string[]): Lists {
  return { ...lists, jobs: [...lists.jobs, ...jobs] };
}

/** The lines of a list that are more than it had in any of its earlier versions, in their order. */
export function newIn(list: readonly string[], earlier: readonly (readonly string[])[]): string[] {
  const before = earlier.map(countEach);
  const seen = new Map<string, number>();
  return list.filter(job => {
    const nth = countOne(seen, job);
    return before.every(counts => nth > (counts.get(job) ?? 0));
  });
}

function countEach(jobs: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const job of jobs) countOne(counts, job);
  return counts;
}

/** Counts one more of a kind. Returns how many there are now. */
function countOne(counts: Map<string, number>, job: string): number {
  const count = (counts.get(job) ?? 0) + 1;
  counts.set(job, count);
  return count;
}

/** Without the first of its kind: a job may stand there more than once. */
function without(jobs: readonly string[], job: string): string[] {
  const at = jobs.indexOf(job);
  return jobs.filter((_, index) => index !== at);
}

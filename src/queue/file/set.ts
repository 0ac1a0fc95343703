import type { Job } from '../../job/job.js';
import { jobMatcher, type Selection } from '../../job/selection.js';
import type { SetResult } from '../queue.js';
import { freshen, lockSoon } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { type JobBlock, jobsIn, LineJob, readJobs } from './read-jobs.js';
import { commandIn, readLine } from './read-line.js';
import { isInHand } from './reclaim.js';
import { PATIENCE, type RunsFile, withFile } from './runs-file.js';

/** From this many lines of a block on, locking and writing the block as a whole is cheaper than line by line. */
const WORTH_A_BLOCK = 8;

/** Which jobs are to be set to what. */
interface Change {
  readonly matches: (job: Job) => boolean;
  readonly state: string;
  readonly force: boolean;
}

/** Sets the state of the chosen jobs, each under its lock. Blocks in which nobody runs anything are locked and written back whole. */
export function setStates(runs: RunsFile, selection: Selection, state: string, force: boolean): Promise<SetResult> {
  const change: Change = { matches: jobMatcher(selection), state, force };
  return withFile(runs, async file => {
    const running: Job[] = [];
    let matched = 0;
    let changed = 0;
    await freshen(file, runs.driver, runs.path);
    for await (const block of readJobs(file)) {
      const meant = block.jobs.filter(change.matches);
      matched += meant.length;
      const chosen = meant.filter(job => job.state !== state);
      const atOnce = chosen.length >= WORTH_A_BLOCK ? await setBlock(file, block, change) : undefined;
      if (atOnce !== undefined) {
        changed += atOnce;
        continue;
      }
      for (const job of chosen) {
        const outcome = await setLine(runs, file, job, change);
        if (outcome === 'changed') changed++;
        else if (outcome === 'running') running.push(job);
      }
    }
    runs.view.forget();
    runs.syncer.note();
    return { matched, changed, running };
  });
}

function isToChange(job: Job, { matches, state }: Change): boolean {
  return job.state !== state && matches(job);
}

/** How many lines were changed; undefined when somebody holds a lock in the block, or when lines in it have moved. */
async function setBlock(file: LockableFile, block: JobBlock, change: Change): Promise<number | undefined> {
  const length = block.end - block.start;
  if (!(await file.tryLock('exclusive', block.start, length))) return undefined;
  try {
    const bytes = Buffer.allocUnsafe(length);
    if ((await file.read(bytes, block.start)) < length) return undefined;
    const fresh = jobsIn(bytes, block.start, { ...block.before });
    const unmoved =
      fresh.length === block.jobs.length &&
      fresh.every((job, at) => job.offset === block.jobs[at]?.offset && job.end === block.jobs[at]?.end);
    if (!unmoved) return undefined;
    const toChange = fresh.filter(job => isToChange(job, change));
    for (const job of toChange) bytes.write(change.state, job.offset - block.start, 'latin1');
    if (toChange.length > 0) await file.write(bytes, block.start);
    return toChange.length;
  } finally {
    await file.unlock(block.start, length);
  }
}

async function setLine(runs: RunsFile, file: LockableFile, job: LineJob, change: Change): Promise<'changed' | 'running' | 'other'> {
  await lockSoon(file, 'exclusive', job.offset, 1, PATIENCE, `line ${job.number} of ${runs.path}`);
  try {
    const now = await readLine(file, job.offset, job.end);
    if (now === undefined || !commandIn(now).equals(job.command)) return 'other';
    const jobNow = new LineJob(job.number, job.ordinal, job.offset, job.end, now.state, job.command);
    if (!isToChange(jobNow, change)) return 'other';
    if (isInHand(jobNow.state) && !change.force && runs.driver.presence && !(await file.isFree(job.offset + 1, 1))) {
      job.holder = 'present';
      return 'running';
    }
    await file.write(Buffer.from(change.state, 'latin1'), job.offset);
    return 'changed';
  } finally {
    await file.unlock(job.offset, 1);
  }
}

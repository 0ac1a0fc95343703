import { RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { State } from '../../job/state.js';
import type { LockableFile } from './locks/lock-driver.js';
import { type LineJob, readJobs } from './read-jobs.js';
import { commandIn, readLine } from './read-line.js';
import { type RunsFile, withFile } from './runs-file.js';

/** State and separator: whoever gets both exclusively knows that nobody is at the line, and that nobody comes meanwhile. */
const SEPARATOR_AND_STATE = 2;
const NEW = Buffer.from(State.new);

/** Sets the jobs that nobody runs any more back to `.`. With older runners in the fleet that is a guess: they show no presence. */
export function reclaimOrphans(runs: RunsFile): Promise<readonly Job[]> {
  if (!runs.driver.presence) {
    throw new RunmakerError('queue', `the lock driver "${runs.driver.name}" cannot tell orphans from running jobs`, {
      hint: `make sure that no runner is at work, then: runset --state 'r?' --set=. ${runs.path}`,
    });
  }
  return withFile(runs, async file => {
    const reclaimed: Job[] = [];
    for await (const block of readJobs(file)) {
      for (const job of block.jobs) {
        if (isInHand(job.state) && (await reclaimLine(file, job))) reclaimed.push(job);
      }
    }
    runs.view.forget();
    runs.syncer.note();
    return reclaimed;
  });
}

/** Whether a state says that somebody is at the job. */
export function isInHand(state: string): boolean {
  return state === State.running || state === State.claimed;
}

async function reclaimLine(file: LockableFile, job: LineJob): Promise<boolean> {
  if (!(await file.tryLock('exclusive', job.offset, SEPARATOR_AND_STATE))) return false;
  try {
    const now = await readLine(file, job.offset, job.end);
    if (now === undefined || !isInHand(String.fromCharCode(now.state)) || !commandIn(now).equals(job.command)) return false;
    await file.write(NEW, job.offset);
    return true;
  } finally {
    await file.unlock(job.offset, SEPARATOR_AND_STATE);
  }
}

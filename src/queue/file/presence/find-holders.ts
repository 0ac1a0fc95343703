import type { Job } from '../../../job/job.js';
import { isInHand } from '../../../job/state.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { freshen } from '../locks/try-lock.js';
import type { FileJob } from '../reading/read-jobs.js';
import type { RunsFile } from '../runs-file.js';
import { presenceByte } from './presence-byte.js';

/** Finds out of jobs in hand whether a runner is present at them. */
export async function findHolders(runs: RunsFile, file: LockableFile, jobs: readonly FileJob[]): Promise<void> {
  if (!runs.driver.presence) return;
  for (const job of jobs) if (isInHand(job.state)) job.holder = await holderOf(runs, file, job);
}

/** Undefined when the job ended between the two looks. */
async function holderOf({ driver, keeper, path }: RunsFile, file: LockableFile, job: FileJob): Promise<Job['holder']> {
  if (keeper.keeps(job.offset) || !(await file.isFree(presenceByte(job.offset), 1))) return 'present';
  await freshen(file, driver, path);
  const state = Buffer.alloc(1);
  await file.read(state, job.offset);
  return isInHand(state.toString('latin1')) ? 'absent' : undefined;
}

import { State } from '../../job/state.js';
import { LOOK_BYTE } from '../../system/reserved-bytes.js';
import { FileClaim } from './file-claim.js';
import type { ClaimedLine } from './find-line.js';
import { lockSoon, STATE_AND_SEPARATOR } from './lock-bytes.js';
import { type LineJob, readJobs } from './read-jobs.js';
import { commandIn, readLine } from './read-line.js';
import { PATIENCE, type RunsFile } from './runs-file.js';

const RUNNING = State.running.charCodeAt(0);

/** Takes up the claims of lines in state `r` at which nobody shows to be present. Nothing is written. */
export async function adoptOrphans(runs: RunsFile): Promise<readonly FileClaim[]> {
  const adopted: FileClaim[] = [];
  const file = await runs.driver.open(runs.path, 'look');
  try {
    // Makes what is read as new as this call, and shows a server before its first client comes whether there are locks at all.
    await lockSoon(file, 'shared', LOOK_BYTE, 1, PATIENCE, runs.path);
    await file.unlock(LOOK_BYTE, 1);
    for await (const { jobs } of readJobs(file)) {
      for (const job of jobs) {
        const claim = job.state === State.running ? await adopt(runs, job) : undefined;
        if (claim) adopted.push(claim);
      }
    }
    return adopted;
  } catch (error) {
    // Whoever tries again is to find them as they were.
    for (const claim of adopted) await claim.abandon();
    throw error;
  } finally {
    await file.close();
  }
}

async function adopt(runs: RunsFile, job: LineJob): Promise<FileClaim | undefined> {
  const file = await runs.driver.open(runs.path, 'change');
  let keep = false;
  try {
    const { number, ordinal, offset: start, end, directives } = job;
    if (!(await file.tryLock('exclusive', start, STATE_AND_SEPARATOR))) return undefined;
    const now = await readLine(file, start, end);
    if (now?.state !== RUNNING || !commandIn(now).equals(job.command)) return undefined;
    // The same open file has the exclusive lock: nobody can come between.
    if (runs.driver.presence && !(await file.tryLock('shared', start + 1, 1))) return undefined;
    await file.unlock(start, 1);
    keep = runs.driver.presence;
    const line: ClaimedLine = { number, start, end, rest: now.rest, rank: 0 };
    const claimed = { number, ordinal, offset: start, state: State.running, command: commandIn(now), directives };
    return new FileClaim(runs, claimed, line, keep ? file : undefined);
  } finally {
    if (!keep) await file.close();
  }
}

import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../../async/backoff.js';
import { jobMatcher, type Selection } from '../../../job/selection.js';
import { State } from '../../../job/state.js';
import { LOOK_BYTE } from '../../../system/reserved-bytes.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { lockSoon, stayedLocked } from '../locks/try-lock.js';
import { presenceByte } from '../presence/presence-byte.js';
import { type FileJob, readJobs } from '../reading/read-jobs.js';
import { commandIn, readLine } from '../reading/read-line.js';
import { PATIENCE, type RunsFile } from '../runs-file.js';
import { FileClaim } from './file-claim.js';
import type { ClaimedLine } from './find-line.js';

const RUNNING = State.running.charCodeAt(0);
/** Who seems to be present in so many looks is: others who look for somebody there may seem so for a moment. */
const LOOKS = 3;

/**
 * What came of looking at a line. `other`: it says something else by now · `present`: somebody seems to run it · `locked`: somebody has a
 * lock there as nobody has who only runs it.
 */
type Look = FileClaim | 'other' | 'present' | 'locked';

/**
 * Takes up the claims of lines in state `r` at which nobody shows to be present. Nothing is written. Others who have locks there for a
 * moment, as readers of the whole file have, are waited for: what is passed over is lost to whoever comes back for it.
 */
export async function adoptOrphans(runs: RunsFile, selection: Selection = {}): Promise<readonly FileClaim[]> {
  const adopted: FileClaim[] = [];
  const file = await runs.driver.open(runs.path, 'look');
  try {
    // Makes what is read as new as this call, and shows a server before its first client comes whether there are locks at all.
    await lockSoon(file, 'shared', LOOK_BYTE, 1, PATIENCE, runs.path);
    await file.unlock(LOOK_BYTE, 1);
    const isChosen = jobMatcher(selection);
    let unsure: FileJob[] = [];
    const look = async (job: FileJob, isLast: boolean): Promise<void> => {
      const seen = await adopt(runs, job);
      if (seen instanceof FileClaim) adopted.push(seen);
      else if (seen === 'locked' || (seen === 'present' && !isLast)) unsure.push(job.kept());
    };
    for await (const { jobs } of readJobs(file))
      for (const job of jobs) if (job.state === State.running && isChosen(job)) await look(job, false);
    const end = performance.now() + PATIENCE;
    for (let looks = 2; unsure.length > 0; looks++) {
      const [first] = unsure as [FileJob];
      if (performance.now() > end) throw stayedLocked(`line ${first.number} of ${runs.path}`, PATIENCE);
      await setTimeout(jitter());
      const again = unsure;
      unsure = [];
      for (const job of again) await look(job, looks >= LOOKS);
    }
    return adopted;
  } catch (error) {
    // The next try must find them as they were.
    for (const claim of adopted) await claim.abandon();
    throw error;
  } finally {
    await file.close();
  }
}

async function adopt(runs: RunsFile, job: FileJob): Promise<Look> {
  const file = await runs.driver.open(runs.path, 'change');
  let keep = false;
  try {
    const { number, ordinal, offset: start, end, directives } = job;
    if (!(await file.tryLock('exclusive', presenceByte(start), 1))) return await whoIsThere(runs, file, start);
    if (!(await file.tryLock('exclusive', start, 1))) return 'locked';
    const now = await readLine(file, start, end);
    if (now?.state !== RUNNING || !commandIn(now).equals(job.command)) return 'other';
    // The same open file has the exclusive lock: no other process can come between.
    if (runs.driver.presence && !(await file.tryLock('shared', presenceByte(start), 1))) return 'locked';
    await file.unlock(start, 1);
    keep = runs.driver.presence;
    const line: ClaimedLine = { number, start, end, rest: now.rest, rank: 0 };
    const claimed = { id: job.id, number, ordinal, offset: start, state: State.running, command: commandIn(now), directives };
    return new FileClaim(runs, claimed, line, keep ? file : undefined);
  } finally {
    if (!keep) await file.close();
  }
}

/** A runner that is present has no lock on the state: a process that has one is there for a moment only. */
async function whoIsThere({ driver }: RunsFile, file: LockableFile, start: number): Promise<'present' | 'locked'> {
  return driver.presence && (await file.isFree(start, 1)) ? 'present' : 'locked';
}

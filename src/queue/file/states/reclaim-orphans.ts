import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../../async/backoff.js';
import { RunmakerError } from '../../../errors.js';
import type { Job } from '../../../job/job.js';
import { isInHand, State } from '../../../job/state.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { freshen, unlockAll } from '../locks/try-lock.js';
import { asFarAsPossible } from '../patience.js';
import type { AbsenceLook } from '../presence/absence-tracker.js';
import { presenceByte } from '../presence/presence-byte.js';
import { type FileJob, readJobs } from '../reading/read-jobs.js';
import { commandIn, readLine } from '../reading/read-line.js';
import { type RunsFile, withFile } from '../runs-file.js';
import type { StateWriter } from './state-writer.js';

const NEW = State.new.charCodeAt(0);
/** So long, in ms, others who look for orphans are waited for, in all of a look. */
const LOOKING = 1000;

/**
 * Sets the jobs that nobody runs any more back to `.`. With older runners in the fleet that is a guess: they show no presence.
 * Nobody must have been seen at them for a while, from look to look: an editor that saves the file takes away all presence, a server that
 * restarts may forget locks, and who was cut off for a moment loses them. Whoever is alive shows presence again within that time.
 * @param reclaimed takes them as they are set back, so that they are known also when the rest fails and is tried again
 */
export async function reclaimOrphans(runs: RunsFile, reclaimed: Job[], signal?: AbortSignal): Promise<void> {
  if (!runs.driver.presence) {
    throw new RunmakerError('queue', `the lock driver "${runs.driver.name}" cannot tell orphans from running jobs`, {
      hint: `make sure that no runner is at work, then: runset --state 'r?' --set=. ${runs.path}`,
    });
  }
  // Of the file that was there last: another may have been put in its place.
  let here: Job[] = [];
  try {
    await withFile(runs, async file => {
      here = [];
      await runs.view.look();
      const look = runs.absences.look(runs.view.edits);
      await freshen(file, runs.driver, runs.path);
      const end = performance.now() + LOOKING;
      for await (const block of readJobs(file)) {
        for (const job of block.jobs) {
          if (!isInHand(job.state) || runs.keeper.keeps(job.offset)) continue;
          signal?.throwIfAborted();
          if (await reclaimLine(runs.writer, file, job, look, end)) here.push(job);
        }
      }
      look.end();
    });
  } finally {
    reclaimed.push(...here);
    runs.view.doubt();
    runs.syncer.note();
  }
}

/**
 * Locks a job's state and presence, if no runner is present. A job that seemed to be an orphan before may be locked for a moment by
 * another process that looks for orphans: that does not mean that it is being run.
 * @param end by performance.now(): until then such others are waited for
 */
async function lockOrphan(file: LockableFile, job: FileJob, look: AbsenceLook, end: number): Promise<boolean> {
  while (!(await tryLockOrphan(file, job.offset))) {
    if (!look.isKnown(job) || performance.now() >= end) return false;
    await setTimeout(jitter());
  }
  return true;
}

/** Presence comes first: most jobs that are looked at are being run, and then no other lock is taken. */
async function tryLockOrphan(file: LockableFile, start: number): Promise<boolean> {
  if (!(await file.tryLock('exclusive', presenceByte(start), 1))) return false;
  if (await file.tryLock('exclusive', start, 1)) return true;
  await file.unlock(presenceByte(start), 1);
  return false;
}

async function reclaimLine(writer: StateWriter, file: LockableFile, job: FileJob, look: AbsenceLook, end: number): Promise<boolean> {
  if (!(await lockOrphan(file, job, look, end))) return false;
  try {
    const now = await readLine(file, job.offset, job.end);
    if (now === undefined || !isInHand(String.fromCharCode(now.state)) || !commandIn(now).equals(job.command)) return false;
    if (!look.note(job)) return false;
    return await writer.write(file, NEW, { number: job.number, start: job.offset, end: job.end, now });
  } finally {
    await asFarAsPossible(() => unlockAll(file));
  }
}

import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { State } from '../../job/state.js';
import type { QueueNotice, ReclaimRequest } from '../queue.js';
import { freshen, STATE_AND_SEPARATOR } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { asFarAsPossible } from './patience.js';
import { type LineJob, readJobs } from './read-jobs.js';
import { commandIn, readLine } from './read-line.js';
import { type RunsFile, withFile } from './runs-file.js';

const NEW = Buffer.from(State.new);

/**
 * Sets the jobs that nobody runs any more back to `.`. With older runners in the fleet that is a guess: they show no presence.
 * Over a network nobody must have been present for a while: a server that restarts may forget locks, and a host that was cut off
 * for a moment loses them. Those who are alive show presence again within that time.
 * @param reclaimed takes them as they are set back, so that they are known also when the rest fails and is tried again
 */
export async function reclaimOrphans(runs: RunsFile, { tell, signal }: ReclaimRequest, reclaimed: Job[]): Promise<void> {
  if (!runs.driver.presence) {
    throw new RunmakerError('queue', `the lock driver "${runs.driver.name}" cannot tell orphans from running jobs`, {
      hint: `make sure that no runner is at work, then: runset --state 'r?' --set=. ${runs.path}`,
    });
  }
  let suspects: Suspects | undefined;
  if (runs.driver.staleLooks) {
    suspects = await suspectedOrphans(runs);
    if (suspects.size === 0) return;
    const { settled } = runs.keeper;
    tell?.(lookingAgain(suspects.size, settled));
    await setTimeout(settled, undefined, signal ? { signal } : {});
  }
  // Of the file that was there last: another may have been put in its place.
  let here: Job[] = [];
  try {
    await withFile(runs, async file => {
      here = [];
      await freshen(file, runs.driver, runs.path);
      for await (const block of readJobs(file)) {
        for (const job of block.jobs) {
          const isSuspect = suspects === undefined || suspects.get(job.offset)?.equals(job.command);
          if (isSuspect && mayBeOrphan(runs, job) && (await reclaimLine(file, job))) here.push(job);
        }
      }
    });
  } finally {
    reclaimed.push(...here);
    runs.view.forget();
    runs.syncer.note();
  }
}

/** Commands of jobs that nobody seems to run, by the byte offsets of their lines. */
type Suspects = ReadonlyMap<number, Buffer>;

async function suspectedOrphans(runs: RunsFile): Promise<Suspects> {
  return await withFile(runs, async file => {
    const suspects = new Map<number, Buffer>();
    await freshen(file, runs.driver, runs.path);
    for await (const { jobs } of readJobs(file)) {
      for (const job of jobs) if (mayBeOrphan(runs, job) && (await file.isFree(job.offset + 1, 1))) suspects.set(job.offset, job.command);
    }
    return suspects;
  });
}

function mayBeOrphan(runs: RunsFile, job: LineJob): boolean {
  return isInHand(job.state) && !runs.keeper.keeps(job.offset);
}

function lookingAgain(count: number, ms: number): QueueNotice {
  const them = count === 1 ? '1 job seems to be orphaned' : `${count} jobs seem to be orphaned`;
  return {
    kind: 'news',
    message: `${them}; looking again in ${Math.round(ms / 1000)} s`,
    hint: 'over a network, hosts that have lost touch with the server for a moment show presence again within this time',
  };
}

/** Whether a state says that somebody is at the job. */
export function isInHand(state: string): boolean {
  return state === State.running || state === State.claimed;
}

async function reclaimLine(file: LockableFile, job: LineJob): Promise<boolean> {
  if (!(await file.tryLock('exclusive', job.offset, STATE_AND_SEPARATOR))) return false;
  try {
    const now = await readLine(file, job.offset, job.end);
    if (now === undefined || !isInHand(String.fromCharCode(now.state)) || !commandIn(now).equals(job.command)) return false;
    await file.write(NEW, job.offset);
    return true;
  } finally {
    await asFarAsPossible(() => file.unlock(job.offset, STATE_AND_SEPARATOR));
  }
}

/*
 * states/: every other change to the file: setting states, reclaiming orphans, appending jobs, and bringing it all to the disk.
 */
import { setTimeout } from 'node:timers/promises';
import type { Job } from '../../../job/job.js';
import { contentEnd, jobState, LF, NOT_A_JOB } from '../../../job/line.js';
import { jobMatcher, type Selection } from '../../../job/selection.js';
import { isInHand } from '../../../job/state.js';
import { doubtNotice } from '../../orphans.js';
import type { SetOptions, SetResult } from '../../queue.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { freshen, lockSoon } from '../locks/try-lock.js';
import { type AbsenceLook, AbsenceTracker } from '../presence/absence-tracker.js';
import { presenceByte } from '../presence/presence-byte.js';
import { type FileJob, jobsIn, type LineBlock, type Place, readBlocks } from '../reading/read-jobs.js';
import { commandIn, readLine } from '../reading/read-line.js';
import { PATIENCE, type RunsFile, withFile } from '../runs-file.js';
import { BlockSetter } from './set-block.js';

/** From this many lines on, locking and writing all of them at once is cheaper than one by one. */
const WORTH_A_SWEEP = 8;

/** So much earlier, in ms, a timer may go off by the clock that orphans are watched with. */
const EARLY = 2;

/** Looks at what may be orphaned. */
const MOST_LOOKS = 5;

/** What is wanted of whom. */
export interface Wish extends SetOptions {
  readonly selection: Selection;
  readonly state: string;
}

/** Which jobs are to be set to what, where, and what came of it so far. */
interface Setting {
  readonly runs: RunsFile;
  readonly file: LockableFile;
  readonly sweeper: BlockSetter;
  readonly matches: (job: Job) => boolean;
  /** By state byte, 1 for those that are chosen; undefined when more than the state decides. */
  readonly wanted: Uint8Array | undefined;
  readonly state: string;
  readonly force: boolean;
  /** Undefined where presence need not be looked for, or one look is enough. */
  readonly look: AbsenceLook | undefined;
  matched: number;
  changed: number;
  readonly running: Job[];
  /** The lines of those among them at which nobody is: he may show himself yet. */
  readonly doubtful: number[];
}

/**
 * Sets the state of the chosen jobs, each under its lock. Where nobody runs anything, many are locked and written back at once.
 * Jobs that are said to run while nobody is at them are looked at again until presence would have returned; see `reclaimOrphans`. Where
 * somebody edits the file all the time, they are left alone in the end, as those are that somebody runs.
 */
export async function setStates(runs: RunsFile, wish: Wish): Promise<SetResult> {
  const absences = wish.force || !runs.driver.presence ? undefined : new AbsenceTracker(runs.keeper.settled);
  let changed = 0;
  for (let looks = 1; ; looks++) {
    const outcome = await setOnce(runs, wish, absences);
    const { matched, running, doubtful } = outcome;
    changed += outcome.changed;
    if (absences === undefined || doubtful.length === 0 || looks === MOST_LOOKS) return { matched, changed, running };
    if (looks === 1)
      wish.tell?.({
        kind: 'news',
        ...doubtNotice(
          doubtful.map(number => ({ id: String(number), number })),
          absences.needed,
        ),
      });
    await setTimeout(absences.needed + EARLY);
  }
}

function setOnce(runs: RunsFile, { selection, state, force = false }: Wish, absences: AbsenceTracker | undefined): Promise<Setting> {
  return withFile(runs, async file => {
    if (absences) await runs.view.look();
    const look = absences?.look(runs.view.edits);
    await freshen(file, runs.driver, runs.path);
    const setting: Setting = {
      ...{ runs, file, state, force, look },
      sweeper: new BlockSetter(file),
      matches: jobMatcher(selection),
      wanted: wantedStates(selection),
      ...{ matched: 0, changed: 0, running: [], doubtful: [] },
    };
    const place: Place = { line: 0, ordinal: 0 };
    for await (const block of readBlocks(file, 'lent')) {
      if (setting.wanted && (await setWholeBlock(setting, setting.wanted, block, place))) continue;
      const jobs = jobsIn(block.bytes, block.start, place);
      for (const job of jobs) if (setting.matches(job)) setting.matched++;
      await setAmong(setting, jobs);
    }
    look?.end();
    runs.view.doubt();
    runs.syncer.note();
    return setting;
  });
}

/** By state byte, 1 for those that are chosen; undefined when the selection asks for more than states. */
function wantedStates({ states, ...others }: Selection): Uint8Array | undefined {
  if (Object.values(others).some(choice => choice !== undefined)) return undefined;
  if (states === undefined) return new Uint8Array(256).fill(1);
  const wanted = new Uint8Array(256);
  for (const state of states) wanted[state.charCodeAt(0)] = 1;
  return wanted;
}

/**
 * Where nothing but the state decides, it does not matter which lines these are, and no job needs to be made of any: a million
 * take as long as it takes to read and write them. False when that was not possible, and nothing was done.
 */
async function setWholeBlock(setting: Setting, wanted: Uint8Array, block: LineBlock, place: Place): Promise<boolean> {
  const state = setting.state.charCodeAt(0);
  const count = { lines: 0, jobs: 0, matched: 0 };
  const changed = await setting.sweeper.set(block.start, block.bytes.length, state, bytes => {
    const chosen: number[] = [];
    for (let start = 0; start < bytes.length; ) {
      const feed = bytes.indexOf(LF, start);
      const lineEnd = feed < 0 ? bytes.length : feed;
      const now = jobState(bytes, start, contentEnd(bytes, start, lineEnd));
      count.lines++;
      if (now !== NOT_A_JOB) {
        count.jobs++;
        if (wanted[now] === 1) {
          count.matched++;
          if (now !== state) {
            if (setting.look && isInHand(String.fromCharCode(now))) return undefined;
            chosen.push(start);
          }
        }
      }
      start = lineEnd + 1;
    }
    return chosen;
  });
  if (changed === undefined) return false;
  place.line += count.lines;
  place.ordinal += count.jobs;
  setting.matched += count.matched;
  setting.changed += changed;
  return true;
}

/** Sets among jobs that lie one behind the other. Where somebody holds a lock they are halved, until few are left around it. */
async function setAmong(setting: Setting, jobs: readonly FileJob[]): Promise<void> {
  const chosen = jobs.filter(job => isToChange(job, setting));
  if (chosen.length >= WORTH_A_SWEEP) {
    const hasDoubtful = setting.look && chosen.some(job => isInHand(job.state));
    const changed = hasDoubtful ? undefined : await setAtOnce(setting, jobs);
    if (changed !== undefined) {
      setting.changed += changed;
      return;
    }
    const half = jobs.length >>> 1;
    await setAmong(setting, jobs.slice(0, half));
    await setAmong(setting, jobs.slice(half));
    return;
  }
  for (const job of chosen) {
    const outcome = await setLine(setting, job);
    if (outcome === 'changed') setting.changed++;
    // The memory that it lies in is only lent.
    else if (outcome === 'running') setting.running.push(job.kept());
  }
}

function isToChange(job: Job, { matches, state }: Setting): boolean {
  return job.state !== state && matches(job);
}

/** How many lines were changed; undefined when somebody holds a lock among them, or when lines have moved. */
function setAtOnce(setting: Setting, jobs: readonly FileJob[]): Promise<number | undefined> {
  const [first, last] = [jobs[0] as FileJob, jobs[jobs.length - 1] as FileJob];
  const place: Place = { line: first.number - 1, ordinal: first.ordinal - 1 };
  return setting.sweeper.set(first.offset, last.end - first.offset, setting.state.charCodeAt(0), bytes => {
    const now = jobsIn(bytes, first.offset, place);
    const unmoved = now.length === jobs.length && now.every((job, at) => job.offset === jobs[at]?.offset && job.end === jobs[at]?.end);
    const chosen = now.filter(job => isToChange(job, setting));
    if (!unmoved || (setting.look && chosen.some(job => isInHand(job.state)))) return undefined;
    return chosen.map(job => job.offset - first.offset);
  });
}

async function setLine(setting: Setting, job: FileJob): Promise<'changed' | 'running' | 'other'> {
  const { runs, file } = setting;
  await lockSoon(file, 'exclusive', job.offset, 1, PATIENCE, `line ${job.number} of ${runs.path}`);
  try {
    const now = await readLine(file, job.offset, job.end);
    if (now === undefined || !commandIn(now).equals(job.command)) return 'other';
    const jobNow = job.inState(now.state);
    if (!isToChange(jobNow, setting)) return 'other';
    if (isInHand(jobNow.state) && !(await mayBeTaken(setting, job))) {
      job.holder = 'present';
      return 'running';
    }
    const line = { number: job.number, start: job.offset, end: job.end, now };
    return (await runs.writer.write(file, setting.state.charCodeAt(0), line)) ? 'changed' : 'other';
  } finally {
    await file.unlock(job.offset, 1);
  }
}

/** Whether a job may be set though it is said to run. */
async function mayBeTaken(setting: Setting, job: FileJob): Promise<boolean> {
  const { runs, file, force, look } = setting;
  if (force || !runs.driver.presence) return true;
  if (!(await file.isFree(presenceByte(job.offset), 1))) return false;
  if (look === undefined || look.note(job)) return true;
  setting.doubtful.push(job.number);
  return false;
}

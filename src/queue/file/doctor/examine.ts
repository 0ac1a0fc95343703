/*
 * doctor/: what `runset --doctor` looks at to tell whether a file is safe to share: mount, locks, file, runners, and a peer on another host.
 */
import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RunmakerError } from '../../../errors.js';
import { isInHand } from '../../../job/state.js';
import { isWritableByOthers } from '../../../system/disk.js';
import { mountOf } from '../../../system/mounts.js';
import { TRIAL_BYTE } from '../../../system/reserved-bytes.js';
import type { LockDriverName } from '../../queue.js';
import { explain } from '../explain-error.js';
import type { LockableFile, LockDriver } from '../locks/lock-driver.js';
import { openDriver } from '../locks/open-driver.js';
import { freshen, lockSoon } from '../locks/try-lock.js';
import { presenceByte } from '../presence/presence-byte.js';
import { readJobs } from '../reading/read-jobs.js';
import type { Finding } from './finding.js';
import { judgeMount } from './mount-verdict.js';
import { meetPeer } from './peer.js';
import { judgePlace } from './place-verdict.js';

const TRIALS = 200;
/** A lock may cost this much, in ms, before that is worth a word: a claim takes four. */
const SLOW = 100;
const PATIENCE = 10_000;
const PROBE_TIMEOUT = 30_000;

/** What the doctor is asked to look at. */
export interface Examination {
  readonly path: string;
  readonly locks: LockDriverName;
  /** Wait for the same command on another host, and look whether the two exclude each other. */
  readonly peer: boolean;
}

/** Another doctor may be at it at this moment: on another host, for `--peer`. */
function lockTrialByte(file: LockableFile, path: string): Promise<void> {
  return lockSoon(file, 'exclusive', TRIAL_BYTE, 1, PATIENCE, path);
}

/**
 * Looks at everything that makes a runs file safe to share, or not, and tells it finding by finding. Changes nothing in the file.
 * @throws RunmakerError `input` when there is no such file, or none that can be written
 */
export async function* examine({ path, locks, peer }: Examination): AsyncGenerator<Finding> {
  const driver = await tryToOpen(path, locks);
  yield await lookAtMount(path, locks);
  yield await lookAtPlace(path, locks);
  if (driver instanceof RunmakerError) {
    yield { what: 'locks', verdict: 'bad', detail: driver.message };
    return;
  }
  for (const check of [tryLocks, trySecondProcess, timeLocks, lookAtFile, lookForRunners]) {
    let finding: Finding;
    try {
      finding = await check(driver, path);
    } catch (error) {
      const { message, hint } = explain(path, error);
      // The system has not failed: somebody else has had a lock all the time, as a reader of the whole file may. That tells nothing of locks.
      const verdict = error instanceof RunmakerError && error.cause === undefined ? 'unsure' : 'bad';
      finding = { what: check === lookAtFile ? 'file' : 'locks', verdict, detail: hint ? `${message}; ${hint}` : message };
    }
    yield finding;
    if (finding.verdict === 'bad') return;
  }
  if (peer) yield* meetPeer(driver, path);
}

/** The error where the driver is of no use here. */
async function tryToOpen(path: string, locks: LockDriverName): Promise<LockDriver | RunmakerError> {
  try {
    const driver = await openDriver(locks, path);
    await (await driver.open(path, 'change')).close();
    return driver;
  } catch (error) {
    const told = explain(path, error);
    if (told.code === 'input') throw told;
    return told;
  }
}

async function lookAtMount(path: string, locks: LockDriverName): Promise<Finding> {
  const mount = await mountOf(path);
  if (mount === undefined) return { what: 'filesystem', verdict: 'unsure', detail: 'the kernel does not say what the file lies on' };
  const finding = judgeMount(mount);
  // A folder beside the file needs no locks of the filesystem, but what is read must come from the server.
  if (locks === 'directory') return { ...finding, verdict: mount.type.startsWith('fuse') ? 'unsure' : 'good' };
  return finding;
}

async function lookAtPlace(path: string, locks: LockDriverName): Promise<Finding> {
  const real = await realpath(path);
  const folder = dirname(real);
  const isMounted = (await mountOf(path))?.point === real;
  return judgePlace({ links: (await stat(real)).nlink, isMounted, folder, folderMode: (await stat(folder)).mode }, locks);
}

async function tryLocks(driver: LockDriver, path: string): Promise<Finding> {
  const one = await driver.open(path, 'change');
  const other = await driver.open(path, 'change');
  try {
    await lockTrialByte(one, path);
    const excluded = !(await other.tryLock('exclusive', TRIAL_BYTE, 1));
    await one.unlock(TRIAL_BYTE, 1);
    await lockTrialByte(other, path);
    await other.unlock(TRIAL_BYTE, 1);
    const kind = driver.name === 'record' ? 'locks of open file descriptions' : `locks of the driver "${driver.name}"`;
    return excluded
      ? { what: 'locks', verdict: 'good', detail: `${kind} are granted, exclude each other, and can be given up` }
      : { what: 'locks', verdict: 'bad', detail: `${kind} are granted twice` };
  } finally {
    await one.close();
    await other.close();
  }
}

async function trySecondProcess(driver: LockDriver, path: string): Promise<Finding> {
  const file = await driver.open(path, 'change');
  try {
    await lockTrialByte(file, path);
    const probe = fileURLToPath(new URL('./probe.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [probe, driver.name, path], { timeout: PROBE_TIMEOUT });
    return stdout === 'refused'
      ? { what: 'second process', verdict: 'good', detail: 'is refused a lock that this one holds' }
      : { what: 'second process', verdict: 'bad', detail: `is not refused a lock that this one holds (${stdout.trim()})` };
  } finally {
    await file.unlock(TRIAL_BYTE, 1);
    await file.close();
  }
}

async function timeLocks(driver: LockDriver, path: string): Promise<Finding> {
  const file = await driver.open(path, 'change');
  const times: number[] = [];
  try {
    for (let trial = 0; trial < TRIALS; trial++) {
      const began = performance.now();
      await file.tryLock('exclusive', TRIAL_BYTE, 1);
      await file.unlock(TRIAL_BYTE, 1);
      times.push(performance.now() - began);
    }
  } finally {
    await file.close();
  }
  times.sort((a, b) => a - b);
  const median = times[TRIALS / 2] as number;
  const worst = times.at(-1) as number;
  const detail = `a lock and its release take ${inTime(median)} (median of ${TRIALS}), ${inTime(worst)} at worst`;
  return { what: 'cost', verdict: median > SLOW ? 'unsure' : 'good', detail };
}

function inTime(ms: number): string {
  return ms < 1 ? `${(ms * 1000).toFixed(1)} µs` : `${ms.toFixed(1)} ms`;
}

async function lookAtFile(driver: LockDriver, path: string): Promise<Finding> {
  const file = await driver.open(path, 'append');
  try {
    const { size, mode } = await file.facts();
    const same = await file.isAt(path);
    if (isWritableByOthers(mode)) {
      const detail = `can be written by everybody on this host, who can so run commands as you: chmod o-w ${path}`;
      return { what: 'file', verdict: 'unsure', detail };
    }
    return same
      ? { what: 'file', verdict: 'good', detail: `can be changed and appended to (${size} bytes), and was not replaced meanwhile` }
      : { what: 'file', verdict: 'unsure', detail: 'was replaced by another while it was looked at: is somebody editing it?' };
  } finally {
    await file.close();
  }
}

async function lookForRunners(driver: LockDriver, path: string): Promise<Finding> {
  const file = await driver.open(path, 'change');
  let present = 0;
  let absent = 0;
  try {
    await freshen(file, driver, path);
    for await (const { jobs } of readJobs(file)) {
      for (const job of jobs) {
        if (!isInHand(job.state)) continue;
        if (driver.presence && !(await file.isFree(presenceByte(job.offset), 1))) present++;
        else absent++;
      }
    }
  } finally {
    await file.close();
  }
  if (!driver.presence)
    return { what: 'runners', verdict: 'good', detail: `${absent} jobs are said to run; this driver cannot tell if they do` };
  const orphans = absent === 0 ? '' : `; ${absent} say so, but nobody shows presence (orphans, or jobs of an older runner)`;
  return { what: 'runners', verdict: 'good', detail: `${present} jobs are being run${orphans}` };
}

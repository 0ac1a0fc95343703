import { setTimeout } from 'node:timers/promises';
import { jitter, RANK_BYTES } from '../../../system/reserved-bytes.js';
import type { LockableFile } from '../locks/lock-driver.js';

/*
 * Whose job is it, when a line was set back by force while its job ran, and was claimed once more? Both runners are present
 * at it then. Who comes later finds somebody present, and takes a rank above the other's by locking one of a few bytes that
 * are set aside for the line, far beyond the end. Whoever sees a rank above the own one has lost the job.
 */

/** Of whoever found nobody else present: anybody who is present later came later. */
export const ALONE = 0;

/** Bytes set aside for each byte of the file. */
const RANKS = 8;

/** How long, in ms, somebody must be seen above us: older runners lock the whole file for moments to read it. */
const DOUBT = 1000;

/** Takes a rank at a line that was just claimed, and at which somebody else is present. */
export async function takeRank(file: LockableFile, start: number): Promise<number> {
  let rank = RANKS - 1;
  while (rank > 1 && (await file.isFree(byteOf(start, rank - 1), 1))) rank--;
  await file.tryLock('exclusive', byteOf(start, rank), 1);
  return rank;
}

/** Whether somebody claimed the line after us. Asked at the end of the job: from then on we have no need to share the separator. */
export async function isOutranked(file: LockableFile, start: number, rank: number): Promise<boolean> {
  if (rank === RANKS - 1) return false;
  const isTop = () => (rank === ALONE ? file.tryLock('exclusive', start + 1, 1) : file.isFree(byteOf(start, rank + 1), RANKS - 1 - rank));
  for (const end = performance.now() + DOUBT; performance.now() < end; await setTimeout(jitter())) {
    if (await isTop()) return false;
  }
  return true;
}

function byteOf(start: number, rank: number): bigint {
  return RANK_BYTES + BigInt(start) * BigInt(RANKS) + BigInt(rank);
}

import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../../async/backoff.js';
import { RANK_BYTES } from '../../../system/reserved-bytes.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { presenceByte } from './presence-byte.js';

/*
 * When a line is set back by force while its job runs, and is claimed again, two runners are present at it. The later one finds the
 * earlier one's presence and takes a rank above it, by locking one of a few bytes that are set aside for the line, far beyond the end of
 * the file. A runner that sees a rank above its own has lost the job.
 */

/** The rank of a runner that found no other presence: every other runner that is present by now came later. */
export const ALONE = 0;

/** Bytes set aside for each byte of the file. */
const RANKS = 8;

/** How long, in ms, a higher rank must be seen: older runners lock the whole file for moments to read it. */
const DOUBT = 1000;

/** Takes a rank at a line that was just claimed while another runner is present at it. */
export async function takeRank(file: LockableFile, start: number): Promise<number> {
  let rank = RANKS - 1;
  while (rank > 1 && (await file.isFree(byteOf(start, rank - 1), 1))) rank--;
  await file.tryLock('exclusive', byteOf(start, rank), 1);
  return rank;
}

/** Whether another runner has claimed the line after us. May make our presence exclusive: it is asked when the job has ended. */
export async function isOutranked(file: LockableFile, start: number, rank: number): Promise<boolean> {
  if (rank === RANKS - 1) return false;
  const isTop = () =>
    rank === ALONE ? file.tryLock('exclusive', presenceByte(start), 1) : file.isFree(byteOf(start, rank + 1), RANKS - 1 - rank);
  for (const end = performance.now() + DOUBT; performance.now() < end; await setTimeout(jitter())) {
    if (await isTop()) return false;
  }
  return true;
}

function byteOf(start: number, rank: number): bigint {
  return RANK_BYTES + BigInt(start) * BigInt(RANKS) + BigInt(rank);
}

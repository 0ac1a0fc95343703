import { State } from '../../../job/state.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { lockWithin } from '../locks/try-lock.js';
import { asFarAsPossible, isPassing } from '../patience.js';
import { ALONE } from '../presence/claim-rank.js';
import { presenceByte } from '../presence/presence-byte.js';
import type { LineIndex } from '../reading/line-index.js';
import { type LineNow, readLine } from '../reading/read-line.js';
import type { RunsFile } from '../runs-file.js';

const RUNNING = State.running.charCodeAt(0);
/** Looks at a file that is being edited again and again before giving up. */
const TRIES = 3;
/**
 * How long to try for a line's state byte in one go, in ms. Not longer: presence that an edit has made stale may be in the way, also of
 * claims of ours, and it is given up between two goes.
 */
export const ONE_GO = 100;
/** Of giving up a lock on a descriptor on which perhaps nothing works any more. */
const DEAD_TRIES = 3;
const CLAIMED_ANEW = 'somebody set the line back while its job ran, and this runner has claimed it again';
/** A line end has two bytes at most, and the state one. */
const MOST_BESIDES_REST = 3;

/** A claimed line: where it stood when it was seen last, in bytes, and all of it but its state. */
export interface ClaimedLine {
  readonly number: number;
  readonly start: number;
  /** Behind the line end. */
  readonly end: number;
  readonly rest: Buffer;
  /** Among those who are present, see rank.ts. */
  readonly rank: number;
}

/** What we have of a line that is searched for. */
export interface Holding {
  /** An open file that may still show our presence, which is then not taken for somebody else's. */
  readonly held?: LockableFile | undefined;
  /** A state that we may have written to the line already, where it was, with the locks that `held` has. Local locks are never lost. */
  readonly doubtful?: number | undefined;
  /** Whether we have claimed the line that begins there once more: somebody has set it back while its job ran. */
  isClaimedAnew(start: number): boolean;
}

/**
 * `found`: the open file, with an exclusive lock on the line's state byte and, where the driver has it, our presence; the
 * caller closes it. What was held before shows no presence any more.
 */
export type Found = { readonly kind: 'found'; readonly file: LockableFile; readonly line: ClaimedLine; readonly now: LineNow } | Lost;

/**
 * `gone`: there is no such line · `set`: it is there, in a state that somebody has set · `claimedAnew`: it was set back, and we have claimed
 * it once more · `occupied`: it is there, but somebody else is present at it · `locked`: a line that may be ours could not be looked at.
 */
export interface Lost {
  readonly kind: 'lost';
  readonly cause: 'gone' | 'set' | 'claimedAnew' | 'occupied' | 'locked';
  readonly reason: string;
}

/**
 * Finds a line of ours again: where it was, or wherever an editor has moved it. It is ours if it has the same command, is in
 * state `r`, and nobody else is present at it. Identical lines stand for each other, and of several the nearest is taken; but none
 * stands for a line that is where it was and was set to another state.
 */
export async function findLine(runs: RunsFile, line: ClaimedLine, holding: Holding): Promise<Found> {
  let lost: Lost = { kind: 'lost', cause: 'gone', reason: 'its line was changed or removed while the job ran' };
  const end = performance.now() + ONE_GO;
  for (let tried = 0; tried < TRIES; tried++) {
    // Many may be searched for after one edit: what the first look has found serves all of them, until it turns out to be wrong.
    if (tried > 0) runs.view.doubt();
    await runs.view.look();
    const index = await runs.view.index();
    const { generation } = runs.view;
    for (const candidate of candidatesFor(line, index)) {
      const found = await lockIfOurs(runs, candidate, line.start, holding, end);
      if (found === undefined) continue;
      if (found.kind === 'found') return found;
      // It has not moved: other lines that say the same are other jobs.
      if ((found.cause === 'set' || found.cause === 'claimedAnew') && candidate.start === line.start) return found;
      if (lost.cause !== 'locked') lost = found;
    }
    await runs.view.look();
    if (tried > 0 && runs.view.generation === generation) break;
  }
  return lost;
}

/** Lines that may be ours, as far as the index knows them, the nearest first. */
function candidatesFor(line: ClaimedLine, index: LineIndex): ClaimedLine[] {
  const numbers = new Set(index.linesIn(RUNNING));
  // Whatever state it is in by now.
  const before = index.lineAround(line.start);
  if (before > 0 && index.startOf(before) === line.start) numbers.add(before);
  const candidates: ClaimedLine[] = [];
  for (const number of numbers) {
    const start = index.startOf(number);
    const end = index.endOf(number);
    const besides = end - start - line.rest.length;
    if (besides >= 1 && besides <= MOST_BESIDES_REST) candidates.push({ number, start, end, rest: line.rest, rank: ALONE });
  }
  return candidates.sort((a, b) => Math.abs(a.number - line.number) - Math.abs(b.number - line.number));
}

/**
 * Undefined when it is another line.
 * @param before where our line began when we saw it last
 * @param end by performance.now(): until then a lock that another holder has is tried for
 */
async function lockIfOurs(runs: RunsFile, line: ClaimedLine, before: number, holding: Holding, end: number): Promise<Found | undefined> {
  const file = await runs.driver.open(runs.path, 'change');
  let keep = false;
  try {
    const { held } = holding;
    // An exclusive lock of ours, left behind by a call that failed, would stand in our own way.
    const giveWay = async (): Promise<void> => asFarAsPossible(() => held?.unlock(before, 1));
    await giveWay();
    if (!(await lockWithin(file, 'exclusive', line.start, 1, end - performance.now(), giveWay))) {
      return { kind: 'lost', cause: 'locked', reason: `line ${line.number} of ${runs.path} is locked by somebody else` };
    }
    if (!(await file.isAt(runs.path))) return undefined;
    const now = await readLine(file, line.start, line.end);
    if (now === undefined || !now.rest.equals(line.rest)) return undefined;
    // Over a network the locks may have been lost, and somebody else may have run the job and ended it in the same way.
    const maybeOurs = held !== undefined && !runs.driver.staleLooks && line.start === before && now.state === holding.doubtful;
    if (now.state !== RUNNING && !maybeOurs) {
      const state = String.fromCharCode(now.state);
      const reason =
        runs.driver.staleLooks && now.state === holding.doubtful
          ? `the server was lost while it was being written, and nobody can tell whether the "${state}" in the line is ours`
          : `somebody set the line to "${state}" while its job ran`;
      return { kind: 'lost', cause: 'set', reason };
    }
    if (runs.driver.presence && !(await showPresence(file, line, before, held))) {
      // Not waited for: the other claim may have to wait for this one.
      if (holding.isClaimedAnew(line.start)) return { kind: 'lost', cause: 'claimedAnew', reason: CLAIMED_ANEW };
      return { kind: 'lost', cause: 'occupied', reason: 'somebody else runs the line by now' };
    }
    keep = true;
    return { kind: 'found', file, line, now };
  } finally {
    if (!keep) await file.close();
  }
}

/**
 * Presence is shown at the new place before it is given up at the old one, and only then it can be seen whether somebody
 * else is present. As long as we hold the state byte, nobody can claim or reclaim the line.
 */
async function showPresence(file: LockableFile, line: ClaimedLine, before: number, held: LockableFile | undefined): Promise<boolean> {
  // A call that failed may have left an exclusive lock there. After a lost lease that works as well, as if nothing had been lost.
  if (held) await asFarAsPossible(async () => void (await held.tryLock('shared', presenceByte(before), 1)));
  if (!(await file.tryLock('shared', presenceByte(line.start), 1))) return false;
  if (held) await giveUpPresence(held, before);
  // A lock that is refused leaves the one that we have as it is. One that fails may take it away, later even: then all begins anew.
  return (await file.tryLock('exclusive', presenceByte(line.start), 1)) && (await file.tryLock('shared', presenceByte(line.start), 1));
}

async function giveUpPresence(held: LockableFile, start: number): Promise<void> {
  for (let tried = 1; tried <= DEAD_TRIES; tried++) {
    try {
      return await held.unlock(presenceByte(start), 1);
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }
}

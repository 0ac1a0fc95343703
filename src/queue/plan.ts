import { pick } from '../job/readiness.js';
import { State } from '../job/state.js';
import { type AdvisedBoard, noticesOf } from './advice.js';
import type { ClaimRequest } from './queue.js';

/** A board whose states may be changed. */
export interface Draftboard extends AdvisedBoard {
  setState(line: number, state: number): void;
}

const DONE = State.done.charCodeAt(0);
const IN_HAND: ReadonlySet<number> = new Set([State.running, State.claimed].map(state => state.charCodeAt(0)));

/**
 * The lines of the jobs that would be taken, in order, if they and the running ones all succeeded: on the board they do. Gives notice of
 * those that cannot run.
 */
export function* planLines(board: Draftboard, { tell, ...asker }: ClaimRequest): Generator<number> {
  for (let line = 1; line <= board.lineCount; line++) if (IN_HAND.has(board.stateAt(line))) board.setState(line, DONE);
  if (tell) for (const notice of noticesOf(board, asker)) tell(notice);
  // If all succeed, room is free again by the time a job's turn comes.
  const { free: _, ...unhurried } = asker;
  for (let next = pick(board, unhurried); next.kind === 'ready'; next = pick(board, unhurried)) {
    yield next.line;
    board.setState(next.line, DONE);
  }
}

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
 * The lines of the jobs that would be taken, in that order, if they and those that run now all succeeded: on the board they do. Tells
 * about those that cannot be run.
 */
export function* planLines(board: Draftboard, { tell, ...asker }: ClaimRequest): Generator<number> {
  for (let line = 1; line <= board.lineCount; line++) if (IN_HAND.has(board.stateAt(line))) board.setState(line, DONE);
  if (tell) for (const notice of noticesOf(board, asker)) tell(notice);
  // With everything succeeding, room is free again by the time that a job comes up.
  const { free: _, ...unhurried } = asker;
  for (let next = pick(board, unhurried); next.kind === 'ready'; next = pick(board, unhurried)) {
    yield next.line;
    board.setState(next.line, DONE);
  }
}

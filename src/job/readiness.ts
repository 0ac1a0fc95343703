import type { Board } from './board.js';
import { NOT_A_JOB } from './line.js';
import { fits, type Needs } from './needs.js';
import { firstPlace } from './search.js';
import { State } from './state.js';

const NEW = State.new.charCodeAt(0);
const CLAIMED = State.claimed.charCodeAt(0);
const RUNNING = State.running.charCodeAt(0);
const DONE = State.done.charCodeAt(0);
const FAILED = State.failed.charCodeAt(0);
const ERROR = State.error.charCodeAt(0);

/** A runner that asks for a job, and its limits. */
export interface Asker {
  /** Failed jobs and errors are taken too, except those in `tried`. */
  readonly retry?: boolean | undefined;
  readonly tried?: ReadonlySet<string> | undefined;
  /** What is free now; `capacity` when absent. */
  readonly free?: Needs | undefined;
  /** The total. Absent: everything fits. */
  readonly capacity?: Needs | undefined;
}

/** The board's answer to an asker. `room`: jobs are ready, but do not fit now. `others`: jobs will be ready when others end. */
export type Pick =
  | { readonly kind: 'ready'; readonly line: number }
  | { readonly kind: 'waiting'; readonly for: 'room' | 'others' }
  | { readonly kind: 'exhausted' };

/**
 * The job to run next: of those that are ready and fit, the first one of the highest priority.
 * @param skip lines to skip this time
 */
export function pick(board: Board, asker: Asker, skip?: ReadonlySet<number>): Pick {
  const reach = lastOpenLine(board);
  let noRoom = false;
  const ready = (line: number): boolean => {
    if (line > reach || !isWanted(board.stateAt(line), line, asker) || skip?.has(line) || board.waits(line) || board.isUnusable(line))
      return false;
    const needs = board.directives.get(line)?.needs;
    const room = asker.free ?? asker.capacity;
    if (needs === undefined || room === undefined || (fits(needs, room) && !isTooBig(board, line, asker))) return true;
    if (asker.capacity === undefined || fits(needs, asker.capacity)) noRoom = true;
    return false;
  };

  const priorityOf = (line: number): number => board.directives.get(line)?.priority ?? 0;
  const { prioritised } = board;
  let place = asker.retry ? 0 : board.firstPrioritised;
  for (; place < prioritised.length; place++) {
    const line = prioritised[place] as number;
    if (priorityOf(line) < 0) break;
    if (ready(line)) return { kind: 'ready', line };
  }
  for (const line of openLines(board, asker, reach)) if (ready(line) && priorityOf(line) === 0) return { kind: 'ready', line };
  for (; place < prioritised.length; place++) {
    const line = prioritised[place] as number;
    if (ready(line)) return { kind: 'ready', line };
  }
  if (noRoom) return { kind: 'waiting', for: 'room' };
  return isHopefulSoon(board, asker, reach) || outlook(board, asker).hopeful ? { kind: 'waiting', for: 'others' } : { kind: 'exhausted' };
}

/** The lines up to `reach`, in order, whose states an asker may take and that wait for nothing. */
function* openLines(board: Board, { retry }: Asker, reach: number): Generator<number> {
  const first = retry ? board.firstUndone : board.firstNew;
  const searches = (retry ? [NEW, FAILED, ERROR] : [NEW]).map(state => ({ state, line: board.nextOpen(state, first) }));
  for (;;) {
    const nearest = searches.reduce((a, b) => (b.line < a.line ? b : a));
    if (nearest.line > reach) return;
    yield nearest.line;
    nearest.line = board.nextOpen(nearest.state, nearest.line + 1);
  }
}

/** Whether a job becomes ready if those that run succeed. Finds it through what waits for these, before anything looks at all lines. */
function isHopefulSoon(board: Board, asker: Asker, reach: number): boolean {
  const isUnderway = (node: number): boolean => {
    if (node < 0) return (board.dependents.get(node) ?? []).every(isUnderway);
    const state = board.stateAt(node);
    return state === DONE || state === RUNNING || state === CLAIMED;
  };
  for (const line of board.awaiting()) {
    if (line > reach || !isWanted(board.stateAt(line), line, asker) || board.isUnusable(line) || isTooBig(board, line, asker)) continue;
    if (board.dependents.get(line)?.every(isUnderway)) return true;
  }
  return false;
}

/** The prospects of the jobs still to run. */
export interface Outlook {
  /** Whether some job that this asker could run is not ready yet, but may become so. */
  readonly hopeful: boolean;
  /** How many new jobs can never run as things stand: what they wait for failed, is held, or is impossible. */
  readonly blocked: number;
}

/** Looks ahead over the whole board. Takes time in proportion to its lines: only for when nothing is ready. */
export function outlook(board: Board, asker: Asker): Outlook {
  const dead = deadDependents(board, asker);
  let closed = false;
  let anyDead = false;
  let hopeful = false;
  let blocked = 0;
  let barrier = 0;
  for (let line = board.firstUndone; line <= board.lineCount; line++) {
    while ((board.barriers[barrier] ?? Number.POSITIVE_INFINITY) <= line) {
      barrier++;
      closed ||= anyDead;
    }
    const state = board.stateAt(line);
    if (state === NOT_A_JOB || state === DONE || state === RUNNING || state === CLAIMED) continue;
    const wanted = isWanted(state, line, asker);
    const possible = wanted && !closed && !dead.has(line) && !board.isUnusable(line);
    if (!possible) {
      anyDead = true;
      if (state === NEW) blocked++;
    } else if (isTooBig(board, line, asker)) anyDead = true;
    else hopeful = true;
  }
  return { hopeful, blocked };
}

/** Ready jobs that this asker could never fit. */
export function tooBig(board: Board, asker: Asker): number[] {
  return [...board.directives.keys()].filter(line => isWanted(board.stateAt(line), line, asker) && isTooBig(board, line, asker));
}

function isTooBig(board: Board, line: number, asker: Asker): boolean {
  const needs = board.directives.get(line)?.needs;
  return needs !== undefined && asker.capacity !== undefined && !fits(needs, asker.capacity);
}

/** Whether an asker would take a job in this state at all. */
export function isWanted(state: number, line: number, asker: Asker): boolean {
  if (state === NEW) return true;
  return asker.retry === true && (state === FAILED || state === ERROR) && !asker.tried?.has(String(line));
}

/** The last line above the first barrier that is still closed. */
function lastOpenLine(board: Board): number {
  if (board.barriers.length === 0) return board.lineCount;
  const undone = board.firstUndone;
  return board.barriers[firstPlace(board.barriers.length, at => (board.barriers[at] as number) > undone)] ?? board.lineCount;
}

/** The dependents whose `after` can never be met as things stand, directly or by way of others. */
function deadDependents(board: Board, asker: Asker): ReadonlySet<number> {
  if (board.dependents.size === 0) return NOTHING;
  const dead = new Set<number>();
  const isDead = (line: number): boolean => {
    if (line < 0) return dead.has(line);
    const state = board.stateAt(line);
    if (state === DONE || state === RUNNING || state === CLAIMED) return false;
    return !isWanted(state, line, asker) || dead.has(line) || board.isUnusable(line) || isTooBig(board, line, asker);
  };
  for (const [line, needs] of board.dependents) if (needs.some(isDead)) dead.add(line);
  return dead;
}

const NOTHING: ReadonlySet<number> = new Set();

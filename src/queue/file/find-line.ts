import { State } from '../../job/state.js';
import { lockSoon } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { readLine } from './read-line.js';
import { PATIENCE, type RunsFile } from './runs-file.js';

const RUNNING = State.running.charCodeAt(0);
/** Looks at a file that is being edited again and again before giving up. */
const TRIES = 3;
/** A line end has two bytes at most, and the state one. */
const MOST_BESIDES_REST = 3;

/** A claimed line: where it stood when it was seen last, in bytes, and all of it but its state. */
export interface ClaimedLine {
  readonly number: number;
  readonly start: number;
  /** Behind the line end. */
  readonly end: number;
  readonly rest: Buffer;
  /** See rank.ts. */
  readonly rank: number;
}

/** `found`: the open file, with an exclusive lock on the line's state byte; the caller closes it. */
export type Found =
  | { readonly kind: 'found'; readonly file: LockableFile; readonly line: ClaimedLine }
  | { readonly kind: 'lost'; readonly reason: string };

/**
 * Finds a line of ours again: where it was, or wherever an editor has moved it. It is ours if it has the same command, is in
 * state `r`, and nobody else is present at it. Identical lines stand for each other; of several the nearest is taken.
 * @param doubtful a state that we may have written to it already, where it was
 */
export async function findLine(runs: RunsFile, line: ClaimedLine, doubtful?: number): Promise<Found> {
  let reason = 'its line was changed or removed while the job ran';
  for (let tried = 0; tried < TRIES; tried++) {
    runs.view.forget();
    await runs.view.look();
    const index = await runs.view.index();
    const { generation } = runs.view;
    const candidates: ClaimedLine[] = [];
    for (let number = 1; number <= index.lineCount; number++) {
      const start = index.startOf(number);
      const end = index.endOf(number);
      const besides = end - start - line.rest.length;
      const maybe = besides >= 1 && besides <= MOST_BESIDES_REST && (index.stateAt(number) === RUNNING || start === line.start);
      if (maybe) candidates.push({ number, start, end, rest: line.rest, rank: line.rank });
    }
    candidates.sort((a, b) => Math.abs(a.number - line.number) - Math.abs(b.number - line.number));
    for (const candidate of candidates) {
      const found = await lockIfOurs(runs, candidate, candidate.start === line.start ? doubtful : undefined);
      if (typeof found === 'string') reason = found;
      else if (found) return { kind: 'found', file: found, line: candidate };
    }
    await runs.view.look();
    if (runs.view.generation === generation) break;
  }
  return { kind: 'lost', reason };
}

/** Undefined when it is another line, a text when it is the line but not ours any more. */
async function lockIfOurs(runs: RunsFile, line: ClaimedLine, doubtful: number | undefined): Promise<LockableFile | string | undefined> {
  const file = await runs.driver.open(runs.path, 'change');
  let keep = false;
  try {
    await lockSoon(file, 'exclusive', line.start, 1, PATIENCE, `line ${line.number} of ${runs.path}`);
    const now = await readLine(file, line.start, line.end);
    if (now === undefined || !now.rest.equals(line.rest)) return undefined;
    if (now.state !== RUNNING && now.state !== doubtful)
      return `somebody set the line to "${String.fromCharCode(now.state)}" while its job ran`;
    if (runs.driver.presence && !(await file.isFree(line.start + 1, 1))) return 'somebody else runs the line by now';
    keep = true;
    return file;
  } finally {
    if (!keep) await file.close();
  }
}

import { errnoName } from '../../errors.js';
import { State } from '../../job/state.js';
import type { FinishResult } from '../queue.js';
import { lockSoon } from './lock-bytes.js';
import { readLine } from './read-line.js';
import { PATIENCE, type RunsFile, withFile } from './runs-file.js';

const RUNNING = State.running.charCodeAt(0);
/** Looks at a file that is being edited again and again before giving up. */
const TRIES = 3;
/** A line end has two bytes at most, and the state one. */
const MOST_BESIDES_REST = 3;

/**
 * Records the final state of a line that is no longer where it was claimed, because somebody edited the file: on the
 * nearest line in state `r` with the same command that nobody else is present at. Identical lines stand for each other.
 */
export async function findMoved(runs: RunsFile, number: number, rest: Buffer, state: string): Promise<FinishResult> {
  for (let tried = 0; tried < TRIES; tried++) {
    try {
      runs.view.forget();
      await runs.view.look();
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return { kind: 'refused', reason: `${runs.path} was removed while the job ran` };
      throw error;
    }
    const index = await runs.view.index();
    const generation = runs.view.generation;
    const candidates: number[] = [];
    for (let line = 1; line <= index.lineCount; line++) {
      const besides = index.endOf(line) - index.startOf(line) - rest.length;
      if (index.stateAt(line) === RUNNING && besides >= 1 && besides <= MOST_BESIDES_REST) candidates.push(line);
    }
    candidates.sort((a, b) => Math.abs(a - number) - Math.abs(b - number));
    for (const line of candidates) {
      if (await writeIfOurs(runs, index.startOf(line), index.endOf(line), rest, state)) return { kind: 'recorded' };
    }
    await runs.view.look();
    if (runs.view.generation === generation) break;
  }
  return { kind: 'refused', reason: 'its line was changed or removed while the job ran' };
}

function writeIfOurs(runs: RunsFile, start: number, end: number, rest: Buffer, state: string): Promise<boolean> {
  return withFile(runs, async file => {
    await lockSoon(file, 'exclusive', start, 1, PATIENCE, runs.path);
    const now = await readLine(file, start, end);
    if (now?.state !== RUNNING || !now.rest.equals(rest)) return false;
    if (runs.driver.presence && !(await file.isFree(start + 1, 1))) return false;
    await file.write(Buffer.from(state, 'latin1'), start);
    runs.view.note(start, state.charCodeAt(0));
    return true;
  });
}

import { mayHaveDirectives } from '../../../job/directive-mark.js';
import { NO_DIRECTIVES, parseDirectives } from '../../../job/directives.js';
import { State } from '../../../job/state.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { isPassing } from '../patience.js';
import { ALONE, takeRank } from '../presence/claim-rank.js';
import { presenceByte } from '../presence/presence-byte.js';
import type { LineIndex } from '../reading/line-index.js';
import { commandIn, jobAt, type LineNow, readLine } from '../reading/read-line.js';
import { refreshStatesAround } from '../reading/refresh-states.js';
import type { RunsFile } from '../runs-file.js';
import { FileClaim } from './file-claim.js';
import type { ClaimedLine } from './find-line.js';

const RUNNING = State.running.charCodeAt(0);
/** No NFSv4 server takes a client's locks back sooner than this after it was last heard of, in ms. */
const SHORTEST_LEASE = 5000;

/**
 * What came of trying to take a line. `busy`: somebody holds a lock there at this moment · `lost`: it is not in the
 * state it was thought to be in · `moved`: the lines are not where they were thought to be.
 */
export type Taken = { readonly kind: 'claimed'; readonly claim: FileClaim } | { readonly kind: 'busy' | 'lost' | 'moved' };

/** Claims a line: locks its state byte, looks at it once more, shows presence, writes `r`. Never waits for a lock. */
export async function take(runs: RunsFile, index: LineIndex, line: number): Promise<Taken> {
  // As it was when the line was picked: a look may correct the index while the lock is on its way.
  const expected = index.stateAt(line);
  const began = performance.now();
  const file = await runs.driver.open(runs.path, 'change');
  let keep = false;
  try {
    const start = index.startOf(line);
    if (!(await file.tryLock('exclusive', start, 1))) return { kind: 'busy' };
    if (!(await runs.view.isLookingAt(file)) || !(await file.isAt(runs.path))) return { kind: 'moved' };
    const end = index.endOf(line);
    const now = await readLine(file, start, end);
    if (now === undefined || !saysTheSame(now, index, line)) return { kind: 'moved' };
    if (now.state !== expected) {
      return { kind: (await refreshStatesAround(file, index, line)) ? 'lost' : 'moved' };
    }
    // Presence comes before the state: there is no moment at which the line says `r` without presence.
    const rank = runs.driver.presence ? await showPresence(file, start) : ALONE;
    if (rank === undefined) return { kind: 'busy' };
    let inDoubt = false;
    try {
      if (!(await runs.writer.write(file, RUNNING, { number: line, start, end, now }))) return { kind: 'moved' };
      // From now on a line that is set back by force can be claimed again.
      if (runs.driver.presence) await file.tryLock('shared', presenceByte(start), 1);
      await file.unlock(start, 1);
      runs.view.note(start, RUNNING);
    } catch (error) {
      // Nobody can say whether the state got there, nor what is locked. Without presence that cannot be found out: the job is not run here.
      if (!runs.driver.presence || !isPassing(error)) throw error;
      inDoubt = true;
    }
    keep = runs.driver.presence;
    const claimed: ClaimedLine = { number: line, start, end, rest: now.rest, rank };
    const claim = new FileClaim(runs, jobAt(index, line, now), claimed, keep ? file : undefined);
    const mayBeLost = keep && runs.driver.staleLooks && performance.now() - began > SHORTEST_LEASE;
    if ((inDoubt || mayBeLost) && !(await claim.confirm())) return { kind: 'lost' };
    return { kind: 'claimed', claim };
  } finally {
    if (!keep) await file.close();
  }
}

/** Shows presence at a line whose state is locked. Returns the rank among those who do; undefined when a lock of others is in the way. */
async function showPresence(file: LockableFile, start: number): Promise<number | undefined> {
  if (await file.tryLock('exclusive', presenceByte(start), 1)) return ALONE;
  return (await file.tryLock('shared', presenceByte(start), 1)) ? await takeRank(file, start) : undefined;
}

/** Whether the line's directives are those that were decided on: an editor may have changed them in place. */
function saysTheSame(now: LineNow, index: LineIndex, line: number): boolean {
  const known = index.directives.get(line);
  const command = commandIn(now);
  const said = mayHaveDirectives(command) ? parseDirectives(command).directives : NO_DIRECTIVES;
  if (said === NO_DIRECTIVES || known === undefined) return (said === NO_DIRECTIVES) === (known === undefined);
  return JSON.stringify(said) === JSON.stringify(known);
}

import type { Job } from '../../job/job.js';
import { pick } from '../../job/readiness.js';
import { State } from '../../job/state.js';
import type { ClaimRequest } from '../queue.js';
import { noticesOf } from './advisor.js';
import { freshen } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { readLine } from './read-line.js';
import { isInHand } from './reclaim.js';
import type { RunsFile } from './runs-file.js';
import { scan } from './scan.js';
import { jobAt } from './take.js';

const DONE = State.done.charCodeAt(0);
const BATCH = 256;

/** The jobs that would be taken, in that order, if they and those that run now all succeeded. Tells about those that cannot be run. */
export async function* planJobs(runs: RunsFile, { tell, ...asker }: ClaimRequest): AsyncGenerator<readonly Job[]> {
  const file: LockableFile = await runs.driver.open(runs.path, 'look');
  try {
    await freshen(file, runs.driver, runs.path);
    const index = await scan(file, (await file.facts()).size);
    for (let line = 1; line <= index.lineCount; line++) {
      if (isInHand(String.fromCharCode(index.stateAt(line)))) index.setState(line, DONE);
    }
    if (tell) for (const notice of noticesOf(index, asker)) tell(notice);
    // With everything succeeding, room is free again by the time that a job comes up.
    const { free: _, ...unhurried } = asker;
    let batch: Job[] = [];
    for (let next = pick(index, unhurried); next.kind === 'ready'; next = pick(index, unhurried)) {
      const now = await readLine(file, index.startOf(next.line), index.endOf(next.line));
      if (now) batch.push(jobAt(index, next.line, now));
      index.setState(next.line, DONE);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  } finally {
    await file.close();
  }
}

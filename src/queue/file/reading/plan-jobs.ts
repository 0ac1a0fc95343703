import type { Job } from '../../../job/job.js';
import { planLines } from '../../plan.js';
import type { ClaimRequest } from '../../queue.js';

import type { LockableFile } from '../locks/lock-driver.js';
import { freshen } from '../locks/try-lock.js';
import type { RunsFile } from '../runs-file.js';
import { jobAt, readLine } from './read-line.js';
import { scan } from './scan.js';

const BATCH = 256;

/** The jobs that would be taken, in that order, if they and those that run now all succeeded. Tells about those that cannot be run. */
export async function* planJobs(runs: RunsFile, asker: ClaimRequest): AsyncGenerator<readonly Job[]> {
  const file: LockableFile = await runs.driver.open(runs.path, 'look');
  try {
    await freshen(file, runs.driver, runs.path);
    const index = await scan(file, (await file.facts()).size);
    let batch: Job[] = [];
    for (const line of planLines(index, asker)) {
      const now = await readLine(file, index.startOf(line), index.endOf(line));
      if (now) batch.push(jobAt(index, line, now));
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  } finally {
    await file.close();
  }
}

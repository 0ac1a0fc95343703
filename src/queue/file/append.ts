import { LF, printLine } from '../../job/line.js';
import type { State } from '../../job/state.js';
import { refuseUnwritable } from '../commands.js';
import { APPEND_BYTE, lockSoon } from './lock-bytes.js';
import { PATIENCE, type RunsFile } from './runs-file.js';

const LINE_FEED = Buffer.from([LF]);

/** Appends jobs in one write: several hosts at once lose none, and a full disk leaves no half line behind. */
export async function appendJobs(runs: RunsFile, commands: readonly Buffer[], state: State): Promise<void> {
  const lines: Buffer[] = [];
  for (const command of commands) {
    refuseUnwritable(command);
    lines.push(printLine(state, command), LINE_FEED);
  }
  if (lines.length === 0) return;
  while (!(await appendBytes(runs, Buffer.concat(lines))));
  runs.syncer.note();
}

/** False when another file has been put in place of the one that was opened: nothing was written then. */
async function appendBytes(runs: RunsFile, bytes: Buffer): Promise<boolean> {
  const file = await runs.driver.open(runs.path, 'append');
  try {
    await lockSoon(file, 'exclusive', APPEND_BYTE, 1, PATIENCE, `the end of ${runs.path}`);
    if (!(await file.isAt(runs.path))) return false;
    const { size } = await file.facts();
    const last = Buffer.alloc(1);
    const mend = size > 0 && (await file.read(last, size - 1)) === 1 && last[0] !== LF;
    try {
      await file.write(mend ? Buffer.concat([LINE_FEED, bytes]) : bytes, null);
    } catch (error) {
      await file.truncate(size);
      throw error;
    }
    return true;
  } finally {
    await file.close();
  }
}

import { open, stat } from 'node:fs/promises';
import { RECORD_SIZE } from '../../compat/runmaker4/log-record.js';
import { mayBeLog, otherLines } from '../../compat/runmaker4/log-shape.js';
import { errnoName, RunmakerError } from '../../errors.js';

/** Records that are looked at: what is no log shows in the first few lines. */
const LOOK = 64;

/**
 * Refuses what has no places for records, a file whose text would be written over, and a log in which each job has another place. A log
 * is taken, whoever wrote it, and so is what may be one: a file that begins as a block does, or with a hole for one, or has a newline
 * behind every 160 bytes.
 *
 * @param lines that each job is to have there
 * @throws RunmakerError `usage`
 */
export async function refuseUnlikeLog(path: string, lines: number): Promise<void> {
  const facts = await stat(path).catch(unless('ENOENT'));
  if (facts?.isFIFO() || facts?.isBlockDevice()) {
    throw new RunmakerError('usage', `${path} is not a regular file`, {
      hint: 'the log has a place for each job: name a file; into a pipe go --joblog, and --json on standard output',
    });
  }
  if (!facts?.isFile() || facts.size === 0) return;
  const beginning = await beginningOf(path).catch(unless('EACCES'));
  if (beginning === undefined) return;
  const others = otherLines(beginning, lines);
  if (others !== undefined) {
    throw new RunmakerError('usage', `${path} keeps ${others} lines for each job, not ${lines}`, {
      hint: `pass -n ${others}, as whoever writes it does, or name another file`,
    });
  }
  if (mayBeLog(beginning)) return;
  throw new RunmakerError('usage', `${path} is no log of fixed records, and would be written over`, {
    hint: `name another file for the log, or remove this one first: rm ${path}`,
  });
}

/** Undefined for this error: a file that is not there is made, and one that only may be written has to be trusted. */
function unless(name: string): (error: unknown) => undefined {
  return error => {
    if (errnoName(error) !== name) throw error;
    return undefined;
  };
}

async function beginningOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOK * RECORD_SIZE), 0, LOOK * RECORD_SIZE, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

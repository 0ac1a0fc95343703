import { open, stat } from 'node:fs/promises';
import { errnoName, RunmakerError } from '../errors.js';
import { RECORD_SIZE, RECORD_WIDTH } from './log-record.js';

const LF = 0x0a;
const NUL = 0x00;
/** How every block begins. */
const COMMAND_MARK = Buffer.from('.-> ');
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

/** How many lines each job has in a log that begins so, if that is not as many as here. Undefined where it cannot be seen. */
function otherLines(bytes: Buffer, lines: number): number | undefined {
  const records = Math.floor(bytes.length / RECORD_SIZE);
  const isHeader = (record: number) => bytes.indexOf(COMMAND_MARK, record * RECORD_SIZE) === record * RECORD_SIZE;
  // The place of a job that has not been run yet is a hole.
  const isHole = (record: number) => bytes[record * RECORD_SIZE] === NUL;
  for (let first = 0; first < records; first++) {
    if (!isHeader(first)) continue;
    let next = first + 1;
    while (next < records && !isHeader(next) && !isHole(next)) next++;
    // Where nothing follows it may have more, or be torn.
    if (next === records) return undefined;
    return next - first - 1 === lines ? undefined : next - first - 1;
  }
  return undefined;
}

function mayBeLog(bytes: Buffer): boolean {
  const first = bytes.subarray(0, RECORD_SIZE);
  return first.indexOf(COMMAND_MARK) === 0 || first.every(byte => byte === NUL) || isCutIntoRecords(bytes);
}

/** The last record may be missing in part: a disk was full. */
function isCutIntoRecords(bytes: Buffer): boolean {
  for (let start = 0; start + RECORD_SIZE <= bytes.length; start += RECORD_SIZE) {
    const record = bytes.subarray(start, start + RECORD_SIZE);
    const isHole = record.every(byte => byte === NUL);
    if (!isHole && record.indexOf(LF) !== RECORD_WIDTH) return false;
  }
  return bytes.length >= RECORD_SIZE;
}

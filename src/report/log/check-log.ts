import { type FileHandle, open, stat } from 'node:fs/promises';
import { DEFAULT_WIDTH, LONGEST_RECORD, type LogWidth } from '../../compat/runmaker4/log-record.js';
import { logShape } from '../../compat/runmaker4/log-shape.js';
import { errnoName, RunmakerError } from '../../errors.js';

/** Bytes to check: the first few lines show whether a file is a log. */
const LOOK = 64 * LONGEST_RECORD;
/** Bytes of a hole to read at a time. */
const HOLE_STEP = 1024 * 1024;

/**
 * Determines the width of a log's records. Refuses a file without positions for records, one with text that would be overwritten, and a log
 * in which jobs have other positions.
 *
 * @param lines lines kept for each job
 * @throws RunmakerError `usage`
 */
export async function checkLog(path: string, lines: number): Promise<LogWidth> {
  const facts = await stat(path).catch(unless('ENOENT'));
  if (facts?.isFIFO() || facts?.isBlockDevice()) {
    throw new RunmakerError('usage', `${path} is not a regular file`, {
      hint: 'the log has a place for each job: name a file; into a pipe go --joblog, and --json on standard output',
    });
  }
  if (!facts?.isFile() || facts.size === 0) return DEFAULT_WIDTH;
  const beginning = await beginningOf(path).catch(unless('EACCES'));
  if (beginning === undefined || beginning.bytes.length === 0) return DEFAULT_WIDTH;
  const shape = logShape(beginning.bytes, beginning.position, lines);
  switch (shape.kind) {
    case 'log':
      return shape.width;
    case 'otherLines':
      throw new RunmakerError('usage', `${path} keeps ${shape.lines} lines for each job, not ${lines}`, {
        hint: `pass -n ${shape.lines}, as its other writers do, or name another file`,
      });
    case 'other':
      throw new RunmakerError('usage', `${path} is no log of fixed records, and would be written over`, {
        hint: `name another file for the log, or remove this one first: rm ${path}`,
      });
  }
}

/** Undefined for this error: a missing file is created, and a write-only file cannot be checked. */
function unless(name: string): (error: unknown) => undefined {
  return error => {
    if (errnoName(error) !== name) throw error;
    return undefined;
  };
}

/** The first bytes after any hole, and their position. */
async function beginningOf(path: string): Promise<{ bytes: Buffer; position: number }> {
  const file = await open(path, 'r');
  try {
    const position = await endOfHole(file);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOK), 0, LOOK, position);
    return { bytes: buffer.subarray(0, bytesRead), position };
  } finally {
    await file.close();
  }
}

/** Position of the first byte that is not NUL; the size of the file if there is none. */
async function endOfHole(file: FileHandle): Promise<number> {
  const step = Buffer.alloc(HOLE_STEP);
  const hole = Buffer.alloc(HOLE_STEP);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(step, 0, step.length, position);
    const read = step.subarray(0, bytesRead);
    if (!read.equals(hole.subarray(0, bytesRead))) return position + read.findIndex(byte => byte !== 0);
    if (bytesRead === 0) return position;
    position += bytesRead;
  }
}

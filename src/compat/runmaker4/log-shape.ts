import { RECORD_SIZE, RECORD_WIDTH } from './log-record.js';

const LF = 0x0a;
const NUL = 0x00;
/** How every block begins. */
const COMMAND_MARK = Buffer.from('.-> ');

/** How many lines each job has in a log that begins so, if that is not as many as here. Undefined where it cannot be seen. */
export function otherLines(bytes: Buffer, lines: number): number | undefined {
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

/** Whether a file that begins so may be a log: as a block begins, or with a hole for one, or with a newline behind every 160 bytes. */
export function mayBeLog(bytes: Buffer): boolean {
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

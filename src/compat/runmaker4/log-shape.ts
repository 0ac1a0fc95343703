import { DEFAULT_WIDTH, type LogWidth } from './log-record.js';

const LF = 0x0a;
const NUL = 0x00;
/** How every block begins. */
const COMMAND_MARK = Buffer.from('.-> ');

/** What a file is, by its beginning. */
export type LogShape =
  | { readonly kind: 'log'; readonly width: LogWidth }
  /** A log in which each job has so many lines. */
  | { readonly kind: 'otherLines'; readonly lines: number }
  | { readonly kind: 'other' };

/**
 * What a file is whose first bytes that are not NUL are these: a log, if they begin as a block does, or are cut into records.
 * @param position of these bytes: the places of jobs that have not been run yet are holes
 * @param lines that each job should have
 */
export function logShape(bytes: Buffer, position: number, lines: number): LogShape {
  const width = widthOf(bytes);
  const isBlock = bytes.indexOf(COMMAND_MARK) === 0;
  if (!isBlock && (position > 0 || !isCutIntoRecords(bytes, width))) return { kind: 'other' };
  const others = otherLines(bytes, width, lines);
  if (others !== undefined) return { kind: 'otherLines', lines: others };
  return position % (width + 1) === 0 ? { kind: 'log', width } : { kind: 'other' };
}

/** The width for which more newlines are in their places: some are not, where runmaker4 has padded by characters instead of bytes. */
function widthOf(bytes: Buffer): LogWidth {
  // A disk was full in the middle of the first record.
  if (!bytes.includes(LF)) return bytes.length > DEFAULT_WIDTH ? 500 : DEFAULT_WIDTH;
  const fits = (width: LogWidth): number => {
    let count = 0;
    for (let at = width; at < bytes.length; at += width + 1) if (bytes[at] === LF) count++;
    return count;
  };
  return fits(500) > fits(160) ? 500 : 160;
}

/** How many lines each job has, if not as many as here. Undefined where it cannot be seen. */
function otherLines(bytes: Buffer, width: LogWidth, lines: number): number | undefined {
  const size = width + 1;
  const records = Math.floor(bytes.length / size);
  const isHeader = (record: number) => bytes.indexOf(COMMAND_MARK, record * size) === record * size;
  const isHole = (record: number) => bytes[record * size] === NUL;
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

/** The last record may be missing in part: a disk was full. */
function isCutIntoRecords(bytes: Buffer, width: LogWidth): boolean {
  const size = width + 1;
  for (let start = 0; start + size <= bytes.length; start += size) {
    const record = bytes.subarray(start, start + size);
    const isHole = record.every(byte => byte === NUL);
    if (!isHole && record.indexOf(LF) !== width) return false;
  }
  return bytes.length >= size;
}

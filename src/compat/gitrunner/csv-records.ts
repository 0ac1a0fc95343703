/** CSV as it stands in a file: records with their places. Malformed rows are skipped and named instead of making the file unreadable. */
import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

export interface Cell {
  readonly text: string;
  readonly quoted: boolean;
}

export type Encoding = 'utf8' | 'latin1';

/** A record: `start` and `end` in bytes, its line end included, and the number of its first line. */
export interface CsvRecord {
  readonly cells: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Why the line cannot be read as a record. */
  readonly malformed?: string;
}

const LF = 0x0a;

export function encodingOf(bytes: Buffer): Encoding {
  return isUtf8(bytes) ? 'utf8' : 'latin1';
}

/** All records of a file. Where one is malformed, its first line is taken for all of it, and reading goes on at the next line. */
export function recordsIn(bytes: Buffer, encoding: Encoding): CsvRecord[] {
  const records: CsvRecord[] = [];
  let start = 0;
  let line = 1;
  const take = (end: number, cells: readonly string[], malformed?: string): void => {
    records.push({ cells, start, end, line, ...(malformed !== undefined && { malformed }) });
    line += countLines(bytes.subarray(start, end));
    start = end;
  };
  while (start < bytes.length) {
    const from = start;
    const rest = bytes.subarray(from);
    try {
      for (const { record, info } of parseRecords(rest, encoding)) take(from + info.bytes, record);
      break;
    } catch (cause) {
      const { message, records: whole = 0 } = cause as Error & { records?: number };
      if (whole > 0) for (const { record, info } of parseRecords(rest, encoding, whole)) take(from + info.bytes, record);
      const feed = bytes.indexOf(LF, start);
      const end = feed < 0 ? bytes.length : feed + 1;
      take(end, [bytes.toString(encoding, start, end).trimEnd()], `${message.charAt(0).toLowerCase()}${message.slice(1)}`);
    }
  }
  return records;
}

/** @param most so many records */
function parseRecords(bytes: Buffer, encoding: Encoding, most?: number): { record: string[]; info: { bytes: number } }[] {
  return parse(bytes, {
    encoding,
    bom: true,
    info: true,
    relax_column_count: true,
    ...(most !== undefined && { to: most }),
  }) as unknown as { record: string[]; info: { bytes: number } }[];
}

/** The cells of one record, and whether each is quoted: asking that of all records costs too much. */
export function cellsOf(bytes: Buffer, encoding: Encoding): Cell[] {
  const options = { encoding, cast: (text: string, { quoting }: { quoting: boolean }) => ({ text, quoted: quoting }) };
  return (parse(bytes, options) as unknown as Cell[][])[0] as Cell[];
}

export function printCells(cells: readonly Cell[]): string {
  return stringify([cells.map(({ text }) => text)], {
    eof: false,
    cast: { string: (value, { index }) => ({ value, quoted: cells[index]?.quoted ?? false, quoted_empty: cells[index]?.quoted ?? false }) },
  });
}

export function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

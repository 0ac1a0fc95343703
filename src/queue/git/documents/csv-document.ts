import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { commandOfRow, rowOfCommand } from '../../../compat/gitrunner/python-row.js';
import { RunmakerError } from '../../../errors.js';
import { NO_DIRECTIVES } from '../../../job/directives.js';
import { State } from '../../../job/state.js';
import { type DocumentJob, type NewJobs, type QueueDocument, refuseMergeMarkers } from './document.js';

/** gitrunner's words. Its documentation also says `run` for done. Any other word holds the row: gitrunner does not touch it either. */
const STATE_OF: Readonly<Record<string, State>> = {
  ready: State.new,
  running: State.running,
  done: State.done,
  run: State.done,
  failed: State.failed,
};
/** What is written. gitrunner knows no difference between failed and not run to its end. */
const WORD_OF: Readonly<Record<State, string>> = {
  [State.new]: 'ready',
  [State.running]: 'running',
  [State.done]: 'done',
  [State.failed]: 'failed',
  [State.error]: 'failed',
  [State.held]: 'held',
};
const NEEDED = ['script', 'args', 'kwargs', 'status'] as const;

interface Cell {
  readonly text: string;
  readonly quoted: boolean;
}

type Encoding = 'utf8' | 'latin1';

/** A record as it stands in the file: `start` and `end` in bytes, its line end included. */
interface CsvRecord {
  readonly cells: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

/** Reads gitrunner's queue.csv: a header with at least script, args, kwargs and status, and a job a row. */
export function readQueueCsv(bytes: Buffer, name: string): QueueDocument {
  refuseMergeMarkers(bytes, name);
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  const [header, ...rows] = recordsIn(bytes, encoding, name);
  const columns = header?.cells.map(cell => cell.trim()) ?? [];
  const missing = NEEDED.filter(column => !columns.includes(column));
  if (missing.length > 0) {
    throw new RunmakerError('input', `${name}: the header has no column ${missing.join(', ')}`, {
      hint: `its first line is ${NEEDED.join(',')}; more columns are welcome`,
    });
  }
  const full = rows.filter(({ cells }) => cells.length > 1 || cells[0] !== '');
  for (const { cells, line } of full) {
    if (cells.length === columns.length) continue;
    throw new RunmakerError('input', `${name}: the row at line ${line} has ${cells.length} fields, and the header ${columns.length}`, {
      hint: 'mend the row: a comma too many, or one that needs quotes around its field',
    });
  }
  return new CsvDocument(bytes, encoding, columns, full);
}

function recordsIn(bytes: Buffer, encoding: Encoding, name: string): CsvRecord[] {
  try {
    let start = 0;
    let line = 1;
    return parseRecords(bytes, encoding).map(({ record, info }) => {
      const place = { cells: record, start, end: info.bytes, line };
      line += countLines(bytes.subarray(start, info.bytes));
      start = info.bytes;
      return place;
    });
  } catch (cause) {
    const { message, records = 0 } = cause as Error & { records?: number };
    // A quote that is never closed is missed at the end only, many rows on: it is the row's beginning that helps.
    const whole = records === 0 ? undefined : parseRecords(bytes, encoding, records).at(-1);
    const line = countLines(bytes.subarray(0, whole?.info.bytes ?? 0)) + 1;
    const what = `the row that begins at line ${line}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
    throw new RunmakerError('input', `${name} is not well-formed CSV: ${what}`, {
      hint: 'mend that row and push it; runners wait for that',
      cause,
    });
  }
}

/** @param most so many records */
function parseRecords(bytes: Buffer, encoding: Encoding, most?: number): { record: string[]; info: { bytes: number } }[] {
  return parse(bytes, {
    encoding,
    bom: true,
    info: true,
    relax_column_count: true,
    ...(most !== undefined && { to: most }),
  }) as unknown as {
    record: string[];
    info: { bytes: number };
  }[];
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf('\n'); at >= 0; at = bytes.indexOf('\n', at + 1)) count++;
  return count;
}

class CsvDocument implements QueueDocument {
  readonly jobs: readonly DocumentJob[];
  readonly barriers: readonly number[] = [];
  readonly lineCount: number;
  readonly silent = 'runners of gitrunner';
  private readonly lineEnd: string;

  constructor(
    readonly bytes: Buffer,
    private readonly encoding: Encoding,
    private readonly columns: readonly string[],
    private readonly records: readonly CsvRecord[],
  ) {
    this.lineCount = countLines(bytes) + 1;
    this.lineEnd = bytes.includes('\r\n') ? '\r\n' : '\n';
    this.jobs = records.map((record, at) => this.jobOf(record, at + 1));
  }

  withStates(states: ReadonlyMap<number, State>): Buffer {
    const pieces: Buffer[] = [];
    let copied = 0;
    for (const record of this.records) {
      const state = states.get(record.line);
      if (state === undefined) continue;
      const word = wordOf(state);
      const cells = this.cellsOf(record).map((cell, at) => (at === this.columns.indexOf('status') ? { ...cell, text: word } : cell));
      const lineEnd = /\r?\n?$/.exec(this.bytes.toString('latin1', record.start, record.end))?.[0] ?? '';
      pieces.push(this.bytes.subarray(copied, record.start), Buffer.from(printCells(cells) + lineEnd, this.encoding));
      copied = record.end;
    }
    return Buffer.concat([...pieces, this.bytes.subarray(copied)]);
  }

  withJobs(jobs: readonly NewJobs[]): Buffer {
    const rows = jobs.flatMap(({ commands, state }) => commands.map(command => this.rowFor(command, state)));
    const mend = this.bytes.at(-1) === 0x0a ? '' : this.lineEnd;
    return Buffer.concat([this.bytes, Buffer.from(mend + rows.join(''), this.encoding)]);
  }

  private rowFor(command: Buffer, state: State): string {
    const values = new Map(Object.entries({ ...rowOfCommand(command.toString(this.encoding)), status: wordOf(state) }));
    return printCells(this.columns.map(column => ({ text: values.get(column) ?? '', quoted: false }))) + this.lineEnd;
  }

  /** The cells of a record, and whether each stands in quotes: it costs too much to ask that of all. */
  private cellsOf({ start, end }: CsvRecord): Cell[] {
    const options = {
      encoding: this.encoding,
      cast: (text: string, { quoting }: { quoting: boolean }) => ({ text, quoted: quoting }),
    };
    return (parse(this.bytes.subarray(start, end), options) as unknown as Cell[][])[0] as Cell[];
  }

  private jobOf({ cells, start, line }: CsvRecord, ordinal: number): DocumentJob {
    const cell = (column: string): string => cells[this.columns.indexOf(column)] as string;
    const result = commandOfRow({ script: cell('script'), args: cell('args'), kwargs: cell('kwargs') });
    const ok = 'command' in result;
    const others = cells.filter((_, at) => at !== this.columns.indexOf('status'));
    return {
      id: String(line),
      number: line,
      ordinal,
      offset: start,
      state: STATE_OF[cell('status').trim()] ?? State.held,
      command: Buffer.from(ok ? result.command : cell('script'), this.encoding),
      directives: NO_DIRECTIVES,
      problem: ok ? undefined : { column: this.columns.indexOf(result.column) + 1, message: result.problem },
      key: JSON.stringify(others),
    };
  }
}

function wordOf(state: State): string {
  const word = WORD_OF[state];
  if (word !== undefined) return word;
  throw new RunmakerError('usage', `a queue.csv has no word for the state ${JSON.stringify(state)}`, {
    hint: 'its states are . (ready), r (running), d (done), ! (failed) and - (held)',
  });
}

function printCells(cells: readonly Cell[]): string {
  return stringify([cells.map(({ text }) => text)], {
    eof: false,
    cast: { string: (value, { index }) => ({ value, quoted: cells[index]?.quoted ?? false, quoted_empty: cells[index]?.quoted ?? false }) },
  });
}

/** gitrunner's queue.csv: a header with at least script, args, kwargs and status, and a job a row. */
import { RunmakerError } from '../../errors.js';
import { State } from '../../job/state.js';
import { type CsvRecord, cellsOf, countLines, type Encoding, encodingOf, printCells, recordsIn } from './csv-records.js';
import { commandOfRow, rowOfCommand } from './python-row.js';
import { stateOfWord, wordOfState } from './status.js';

const NEEDED = ['script', 'args', 'kwargs', 'status'] as const;

/** What a queue.csv without jobs holds. */
export const EMPTY_QUEUE_CSV = `${NEEDED.join(',')}\n`;

/** A row as a job. */
export interface QueueRow {
  /** The number of its first line. */
  readonly line: number;
  /** In bytes. */
  readonly offset: number;
  readonly state: State;
  readonly command: Buffer;
  /** Why the row cannot be run. */
  readonly problem: { readonly column: number; readonly message: string } | undefined;
  /** Script, args and kwargs: gitrunner's worker knows a row by them, so that other columns may change while it runs. */
  readonly key: string;
}

/** Reads a queue.csv. @throws RunmakerError `input` when the header does not fit */
export function readQueueCsv(bytes: Buffer, name: string): QueueCsv {
  const encoding = encodingOf(bytes);
  const [header, ...records] = recordsIn(bytes, encoding);
  if (header?.malformed !== undefined) {
    throw new RunmakerError('input', `${name} is not well-formed CSV: the row that begins at line 1: ${header.malformed}`, {
      hint: 'mend that row and push it; runners wait for that',
    });
  }
  const columns = header?.cells.map(cell => cell.trim()) ?? [];
  const missing = NEEDED.filter(column => !columns.includes(column));
  if (missing.length > 0) {
    throw new RunmakerError('input', `${name}: the header has no column ${missing.join(', ')}`, {
      hint: `its first line is ${NEEDED.join(',')}; more columns are welcome`,
    });
  }
  return new QueueCsv(
    bytes,
    encoding,
    columns,
    records.filter(({ cells }) => cells.length > 1 || cells[0] !== ''),
  );
}

export class QueueCsv {
  readonly rows: readonly QueueRow[];
  readonly lineCount: number;
  private readonly lineEnd: string;
  private readonly status: number;

  constructor(
    readonly bytes: Buffer,
    private readonly encoding: Encoding,
    private readonly columns: readonly string[],
    private readonly records: readonly CsvRecord[],
  ) {
    this.lineCount = countLines(bytes) + 1;
    this.lineEnd = bytes.includes('\r\n') ? '\r\n' : '\n';
    this.status = columns.indexOf('status');
    const broken = records.find(({ malformed }) => malformed !== undefined)?.line ?? Number.POSITIVE_INFINITY;
    this.rows = records.map(record => this.rowOf(record, broken));
  }

  /** The file with other states, by line number, and everything else byte for byte as it was. */
  withStates(states: ReadonlyMap<number, State>): Buffer {
    const pieces: Buffer[] = [];
    let copied = 0;
    for (const record of this.records) {
      const state = states.get(record.line);
      if (state === undefined) continue;
      const word = wordOfState(state);
      const problem = this.shapeProblem(record);
      if (problem !== undefined) throw new RunmakerError('usage', `line ${record.line}: ${problem}`, { hint: 'mend the row first' });
      const cells = cellsOf(this.bytes.subarray(record.start, record.end), this.encoding);
      while (cells.length <= this.status) cells.push({ text: '', quoted: false });
      cells[this.status] = { text: word, quoted: cells[this.status]?.quoted ?? false };
      const lineEnd = /\r?\n?$/.exec(this.bytes.toString('latin1', record.start, record.end))?.[0] ?? '';
      pieces.push(this.bytes.subarray(copied, record.start), Buffer.from(printCells(cells) + lineEnd, this.encoding));
      copied = record.end;
    }
    return Buffer.concat([...pieces, this.bytes.subarray(copied)]);
  }

  /** The file with rows at its end. @throws RunmakerError `usage` for a command that is no call of a Python script */
  withJobs(jobs: readonly { readonly commands: readonly Buffer[]; readonly state: State }[]): Buffer {
    const rows = jobs.flatMap(({ commands, state }) => commands.map(command => this.newRow(command, state)));
    const mend = this.bytes.at(-1) === 0x0a ? '' : this.lineEnd;
    return Buffer.concat([this.bytes, Buffer.from(mend + rows.join(''), this.encoding)]);
  }

  private newRow(command: Buffer, state: State): string {
    const values = new Map(Object.entries({ ...rowOfCommand(command.toString(this.encoding)), status: wordOfState(state) }));
    return printCells(this.columns.map(column => ({ text: values.get(column) ?? '', quoted: false }))) + this.lineEnd;
  }

  /** @param broken the line of the first malformed row: what is below may be part of it, and is not run */
  private rowOf(record: CsvRecord, broken: number): QueueRow {
    const cell = (column: string): string => record.cells[this.columns.indexOf(column)] ?? '';
    const [script, args, kwargs] = [cell('script'), cell('args'), cell('kwargs')];
    const state = stateOfWord(record.cells[this.status] ?? '');
    const place = { line: record.line, offset: record.start, key: JSON.stringify([script, args, kwargs]) };
    const shape = this.shapeProblem(record);
    if (shape !== undefined) {
      const text = Buffer.from(record.cells.join(','), this.encoding);
      return { ...place, state: state === State.held ? State.new : state, command: text, problem: { column: 1, message: shape } };
    }
    const result = commandOfRow({ script, args, kwargs });
    const ok = 'command' in result;
    return {
      ...place,
      state: state === State.new && record.line > broken ? State.held : state,
      command: Buffer.from(ok ? result.command : script, this.encoding),
      problem: ok ? undefined : { column: this.columns.indexOf(result.column) + 1, message: result.problem },
    };
  }

  /** Why a record is no row of this table. A row may lack its last fields: gitrunner writes rows so beside columns that it does not know. */
  private shapeProblem({ cells, malformed }: CsvRecord): string | undefined {
    if (malformed !== undefined) return `the row is not well-formed CSV (${malformed}), and the rows below it wait`;
    if (cells.length <= this.columns.length) return undefined;
    return `the row has ${cells.length} fields, and the header ${this.columns.length}: a comma too many, or one that needs quotes around its field`;
  }
}

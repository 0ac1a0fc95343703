import { type LogWidth, logRecord } from './log-record.js';

const LF = 0x0a;
const MARKS = { stdout: ': ', stderr: '! ', status: '+ ' } as const;

/** What runmaker4's log keeps about one job: its command and its last lines. */
export class LogBlock {
  private readonly header: Buffer;
  private readonly size: number;
  private readonly width: LogWidth;
  /** Oldest first. */
  private records: Buffer[] = [];

  /**
   * @param directory where the command runs
   * @param size how many lines to keep
   */
  constructor(command: Buffer, directory: string, size: number, width: LogWidth) {
    this.header = logRecord(Buffer.concat([Buffer.from('.-> '), command, Buffer.from(` (in ${directory})`)]), width);
    this.size = size;
    this.width = width;
  }

  /** Adds whole lines of output, each behind a tag. Looks only at the last ones, however many there are. */
  addOutput(stream: 'stdout' | 'stderr', outputTag: string, lines: Buffer): void {
    const tag = Buffer.from(MARKS[stream] + outputTag);
    this.add(lastLines(lines, this.size, this.width).map(line => logRecord(Buffer.concat([tag, line]), this.width)));
  }

  /** Adds what the runner says about the job. */
  addStatus(text: Buffer): void {
    this.add([logRecord(Buffer.concat([Buffer.from(MARKS.status), text]), this.width)]);
  }

  /** The block as it stands in the file: the command's record, then the last lines, then `:` for each that is not there yet. */
  bytes(): Buffer {
    const missing = Array.from({ length: this.size - this.records.length }, () => logRecord(Buffer.from(':'), this.width));
    return Buffer.concat([this.header, ...this.records, ...missing]);
  }

  private add(records: Buffer[]): void {
    // Not slice(-size), which would keep all for a size of 0.
    const all = [...this.records, ...records];
    this.records = all.slice(Math.max(0, all.length - this.size));
  }
}

/** Bytes that one job has in the file, of which `lines` are its last lines. */
export function blockSize(lines: number, width: LogWidth): number {
  return (1 + lines) * (width + 1);
}

/** The last `count` of whole lines, oldest first, without their newlines, and no longer than a record can show. */
function lastLines(lines: Buffer, count: number, width: LogWidth): Buffer[] {
  const found: Buffer[] = [];
  let end = lines.length - 1;
  while (found.length < count && end >= 0) {
    const start = end === 0 ? 0 : lines.lastIndexOf(LF, end - 1) + 1;
    found.push(lines.subarray(start, Math.min(end, start + width + 1)));
    end = start - 1;
  }
  return found.reverse();
}

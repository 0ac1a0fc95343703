import { mayHaveDirectives } from '../../../job/directive-mark.js';
import { NO_DIRECTIVES, parseDirectives } from '../../../job/directives.js';
import type { Job, LineJob } from '../../../job/job.js';
import { contentEnd, jobState, LF, NOT_A_JOB } from '../../../job/line.js';
import type { LockableFile } from '../locks/lock-driver.js';

const BLOCK = 256 * 1024;

/** State and separator. */
const BEFORE_COMMAND = 2;

/** Whole lines that lie together in a file. */
export interface LineBlock {
  readonly bytes: Buffer;
  /** Byte offset of the first line. */
  readonly start: number;
  /** Behind the last line. */
  readonly end: number;
}

/** The jobs of one block of whole lines, and where in the file the block lies. */
export interface JobBlock extends LineBlock {
  readonly jobs: readonly FileJob[];
  /** Counts before the block. */
  readonly before: Readonly<Place>;
}

/** Counts that are carried from block to block. */
export interface Place {
  /** Lines before. */
  line: number;
  /** Jobs before. */
  ordinal: number;
}

/**
 * Reads the file from front to end, in memory for one block (or one line, if that is longer).
 * @param bytes `lent`: every block is read into the same memory, so that it is good only until the next one is asked for. To
 *   take fresh memory for each costs more than to read it
 */
export async function* readBlocks(file: LockableFile, bytes: 'lent' | 'given'): AsyncGenerator<LineBlock> {
  const { size } = await file.facts();
  let memory = Buffer.allocUnsafeSlow(0);
  let length = BLOCK;
  let position = 0;
  while (position < size) {
    const wanted = Math.min(length, size - position);
    if (bytes === 'given' || memory.length < wanted) memory = Buffer.allocUnsafeSlow(wanted);
    const block = memory.subarray(0, wanted);
    const got = await file.read(block, position);
    if (got === 0) return;
    const last = position + got >= size || got < block.length;
    const whole = last ? got : block.lastIndexOf(LF, got - 1) + 1;
    if (whole === 0) {
      length *= 4;
      continue;
    }
    length = BLOCK;
    yield { bytes: block.subarray(0, whole), start: position, end: position + whole };
    position += whole;
  }
}

/** The same with the jobs that are in the blocks. Those of lent blocks must not be kept either. */
export async function* readJobs(file: LockableFile, bytes: 'lent' | 'given' = 'given'): AsyncGenerator<JobBlock> {
  const place: Place = { line: 0, ordinal: 0 };
  for await (const block of readBlocks(file, bytes)) {
    const before = { ...place };
    yield { ...block, jobs: jobsIn(block.bytes, block.start, place), before };
  }
}

/** The jobs in whole lines that begin at byte `position` of the file. Advances `place` past them. */
export function jobsIn(block: Buffer, position: number, place: Place): FileJob[] {
  const jobs: FileJob[] = [];
  let start = 0;
  while (start < block.length) {
    const feed = block.indexOf(LF, start);
    const lineEnd = feed < 0 ? block.length : feed;
    const end = contentEnd(block, start, lineEnd);
    const state = jobState(block, start, end);
    place.line++;
    const next = feed < 0 ? block.length : feed + 1;
    if (state !== NOT_A_JOB) {
      jobs.push(new FileJob(place.line, ++place.ordinal, position + start, position + next, state, block, start + BEFORE_COMMAND, end));
    }
    start = next;
  }
  return jobs;
}

/** A job as it was read from the file. Most readers ask neither for directives nor for the command: these are made when somebody does. */
export class FileJob implements LineJob {
  holder: Job['holder'];

  constructor(
    readonly number: number,
    readonly ordinal: number,
    readonly offset: number,
    /** Byte offset behind the line, its line end included. */
    readonly end: number,
    private readonly stateByte: number,
    /** Those among which the command lies, `from` … `to`. */
    private readonly bytes: Buffer,
    private readonly from: number,
    private readonly to: number,
  ) {}

  get id(): string {
    return String(this.number);
  }

  get state(): string {
    return String.fromCharCode(this.stateByte);
  }

  get command(): Buffer {
    return this.bytes.subarray(this.from, this.to);
  }

  /** The same job in memory of its own. */
  kept(): FileJob {
    const command = Buffer.from(this.command);
    const job = new FileJob(this.number, this.ordinal, this.offset, this.end, this.stateByte, command, 0, command.length);
    job.holder = this.holder;
    return job;
  }

  /** The same job in another state. */
  inState(stateByte: number): FileJob {
    return new FileJob(this.number, this.ordinal, this.offset, this.end, stateByte, this.bytes, this.from, this.to);
  }

  get directives(): Job['directives'] {
    return mayHaveDirectives(this.command) ? parseDirectives(this.command).directives : NO_DIRECTIVES;
  }

  get problem(): Job['problem'] {
    return mayHaveDirectives(this.command) ? parseDirectives(this.command).problem : undefined;
  }
}

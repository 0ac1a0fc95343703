import { NO_DIRECTIVES, parseDirectives } from '../../job/directives.js';
import type { Job } from '../../job/job.js';
import { contentEnd, jobState, LF, NOT_A_JOB } from '../../job/line.js';
import type { LockableFile } from './locks/lock-driver.js';

const BLOCK = 256 * 1024;

/** The jobs of one block of whole lines, and where in the file the block lies. */
export interface JobBlock {
  readonly jobs: readonly LineJob[];
  /** Counts before the block. */
  readonly before: Readonly<Place>;
  /** Byte offset of the first line. */
  readonly start: number;
  /** Behind the last line. */
  readonly end: number;
}

/** Counts that are carried from block to block. */
export interface Place {
  /** Lines before. */
  line: number;
  /** Jobs before. */
  ordinal: number;
}

/** Reads the file from front to end as jobs, in memory for one block (or one line, if that is longer). */
export async function* readJobs(file: LockableFile): AsyncGenerator<JobBlock> {
  const { size } = await file.facts();
  const place: Place = { line: 0, ordinal: 0 };
  let length = BLOCK;
  let position = 0;
  while (position < size) {
    // Each block is a buffer of its own: the commands handed out are slices of it.
    const block = Buffer.allocUnsafe(Math.min(length, size - position));
    const got = await file.read(block, position);
    if (got === 0) return;
    const last = position + got >= size || got < block.length;
    const whole = last ? got : block.lastIndexOf(LF, got - 1) + 1;
    if (whole === 0) {
      length *= 4;
      continue;
    }
    length = BLOCK;
    const before = { ...place };
    yield { jobs: jobsIn(block.subarray(0, whole), position, place), before, start: position, end: position + whole };
    position += whole;
  }
}

/** The jobs in whole lines that begin at byte `position` of the file. Advances `place` past them. */
export function jobsIn(block: Buffer, position: number, place: Place): LineJob[] {
  const jobs: LineJob[] = [];
  let start = 0;
  while (start < block.length) {
    const feed = block.indexOf(LF, start);
    const lineEnd = feed < 0 ? block.length : feed;
    const end = contentEnd(block, start, lineEnd);
    const state = jobState(block, start, end);
    place.line++;
    const next = feed < 0 ? block.length : feed + 1;
    if (state !== NOT_A_JOB) {
      jobs.push(new LineJob(place.line, ++place.ordinal, position + start, position + next, state, block.subarray(start + 2, end)));
    }
    start = next;
  }
  return jobs;
}

/** A job as it was read from the file. Most readers never ask for directives: they are parsed when somebody does. */
export class LineJob implements Job {
  holder: Job['holder'];

  constructor(
    readonly number: number,
    readonly ordinal: number,
    readonly offset: number,
    /** Byte offset behind the line, its line end included. */
    readonly end: number,
    private readonly stateByte: number,
    readonly command: Buffer,
  ) {}

  get state(): string {
    return String.fromCharCode(this.stateByte);
  }

  get directives(): Job['directives'] {
    return this.command.includes('#:') ? parseDirectives(this.command).directives : NO_DIRECTIVES;
  }

  get problem(): Job['problem'] {
    return this.command.includes('#:') ? parseDirectives(this.command).problem : undefined;
  }
}

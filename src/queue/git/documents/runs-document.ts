import { mayHaveDirectives } from '../../../job/directive-mark.js';
import { NO_DIRECTIVES, parseDirectives } from '../../../job/directives.js';
import { isBarrier, jobState, LF, NOT_A_JOB, printLine } from '../../../job/line.js';
import { eachLine } from '../../../job/lines.js';
import type { State } from '../../../job/state.js';
import { type DocumentJob, type NewJobs, type QueueDocument, refuseMergeMarkers } from './document.js';

const LINE_FEED = Buffer.from([LF]);
/** State and separator. */
const BEFORE_COMMAND = 2;

/** Reads a runs file: a job a line, its first character the state. */
export function readRuns(bytes: Buffer, name: string): QueueDocument {
  refuseMergeMarkers(bytes, name);
  const jobs: DocumentJob[] = [];
  const barriers: number[] = [];
  let lineCount = 0;
  eachLine(bytes, (start, end) => {
    const state = jobState(bytes, start, end);
    lineCount++;
    if (state !== NOT_A_JOB) jobs.push(jobOf(bytes, start, end, state, lineCount, jobs.length + 1));
    else if (isBarrier(bytes, start, end)) barriers.push(lineCount);
  });
  return new RunsDocument(bytes, jobs, barriers, lineCount);
}

function jobOf(bytes: Buffer, start: number, end: number, state: number, number: number, ordinal: number): DocumentJob {
  const command = bytes.subarray(start + BEFORE_COMMAND, end);
  const { directives, problem } = mayHaveDirectives(command) ? parseDirectives(command) : { directives: NO_DIRECTIVES };
  const key = command.toString('latin1');
  return { id: String(number), number, ordinal, offset: start, state: String.fromCharCode(state), command, directives, problem, key };
}

class RunsDocument implements QueueDocument {
  constructor(
    readonly bytes: Buffer,
    readonly jobs: readonly DocumentJob[],
    readonly barriers: readonly number[],
    readonly lineCount: number,
  ) {}

  withStates(states: ReadonlyMap<number, State>): Buffer {
    const bytes = Buffer.from(this.bytes);
    for (const { number, offset } of this.jobs) {
      const state = states.get(number);
      if (state !== undefined) bytes.write(state, offset, 'latin1');
    }
    return bytes;
  }

  withJobs(jobs: readonly NewJobs[]): Buffer {
    const mend = this.bytes.length > 0 && this.bytes.at(-1) !== LF;
    const lines = jobs.flatMap(({ commands, state }) => commands.flatMap(command => [printLine(state, command), LINE_FEED]));
    return Buffer.concat([this.bytes, ...(mend ? [LINE_FEED] : []), ...lines]);
  }
}

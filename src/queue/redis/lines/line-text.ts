import { mayHaveDirectives } from '../../../job/directive-mark.js';
import { type Directives, NO_DIRECTIVES, parseDirectives } from '../../../job/directives.js';
import type { LineJob } from '../../../job/job.js';
import { BARRIER_LINE, contentEnd, isBarrier, jobState, LF, NOT_A_JOB } from '../../../job/line.js';
import { eachLine } from '../../../job/lines.js';

/** In `states`: a line that is no job, and a barrier. No job has such a state. */
export const [NO_JOB, BARRIER] = ['#', '/'] as const;
/** State and separator. */
const BEFORE_COMMAND = 2;

/** Lines in the queue's form: whole, each with its line feed. Their first byte is the state at the time of the append. */
export interface NewLines {
  readonly text: Buffer;
  /** Where each line ends in the text. */
  readonly ends: readonly number[];
  /** One character per line. */
  readonly states: string;
  /** The lines, from 1, for which more than the state decides what runs: those with directives, and all that are no jobs. */
  readonly marks: readonly number[];
}

/** Reads a runs file. */
export function readLines(bytes: Buffer): NewLines {
  const text = bytes.length === 0 || bytes.at(-1) === LF ? bytes : Buffer.concat([bytes, Buffer.from([LF])]);
  const ends: number[] = [];
  const states: string[] = [];
  const marks: number[] = [];
  eachLine(text, (start, end, next) => {
    const state = jobState(text, start, end);
    ends.push(next);
    if (state !== NOT_A_JOB) states.push(String.fromCharCode(state));
    else states.push(isBarrier(text, start, end) ? BARRIER : NO_JOB);
    if (state === NOT_A_JOB || mayHaveDirectives(text.subarray(start, end))) marks.push(ends.length);
  });
  return { text, ends, states: states.join(''), marks };
}

/** Makes lines of commands in one state. `BARRIER_LINE` among them is a barrier. */
export function newLines(commands: readonly Buffer[], state: string): NewLines {
  const ends: number[] = [];
  const marks: number[] = [];
  const states: string[] = [];
  const text = Buffer.allocUnsafe(commands.reduce((sum, command) => sum + command.length + BEFORE_COMMAND + 1, 0));
  let at = 0;
  for (const command of commands) {
    const isBarrierLine = command === BARRIER_LINE;
    if (!isBarrierLine) at += text.write(`${state} `, at, 'latin1');
    at += command.copy(text, at);
    text[at++] = LF;
    ends.push(at);
    states.push(isBarrierLine ? BARRIER : state);
    if (isBarrierLine || mayHaveDirectives(command)) marks.push(ends.length);
  }
  return { text: text.subarray(0, at), ends, states: states.join(''), marks };
}

/** A line of a queue. */
export interface Line {
  readonly number: number;
  readonly offset: number;
  /** Without its line end. */
  readonly content: Buffer;
}

/** The lines of a text that begins with line `number` at `offset`. */
export function* linesOf(text: Buffer, number: number, offset: number): Generator<Line> {
  for (let start = 0; start < text.length; number++) {
    const feed = text.indexOf(LF, start);
    yield { number, offset: offset + start, content: text.subarray(start, contentEnd(text, start, feed)) };
    start = feed + 1;
  }
}

/** The job of a line. @param others how many lines above it are no jobs */
export function jobOf({ number, offset, content }: Line, state: string, others: number): LineJob {
  const command = content.subarray(BEFORE_COMMAND);
  const { directives, problem } = mayHaveDirectives(command) ? parseDirectives(command) : NOTHING_SAID;
  return { id: String(number), number, ordinal: number - others, offset, state, command, directives, problem };
}

const NOTHING_SAID: { readonly directives: Directives; readonly problem?: undefined } = { directives: NO_DIRECTIVES };

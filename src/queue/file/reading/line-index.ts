import type { Board, Dependents } from '../../../job/board.js';
import { resolveDependencies } from '../../../job/dependencies.js';
import { DependencyTracker } from '../../../job/dependency-tracker.js';
import type { DirectiveProblem, Directives } from '../../../job/directives.js';
import { NOT_A_JOB } from '../../../job/line.js';
import { firstPlace } from '../../../job/search.js';
import { State } from '../../../job/state.js';
import type { Strays } from '../../advice.js';
import type { IndexedBlock } from './indexed-block.js';
import { Offsets } from './offsets.js';

const NEW = State.new.charCodeAt(0);
const DONE = State.done.charCodeAt(0);

/** Lines between two noted counts of jobs. */
const ORDINAL_STEP = 1024;

/**
 * Where the lines of a runs file start and what states they are in: 5 bytes of memory a line, and more only for the
 * lines that have directives. Knows no file; `scan` fills it.
 */
export class LineIndex implements Board {
  readonly barriers: number[] = [];
  readonly directives = new Map<number, Directives>();
  /** Where in its line `after=` stands, from 1, for the lines that have it. */
  readonly afterColumns = new Map<number, number>();
  /** The jobs that are left alone, and why. */
  readonly problems = new Map<number, DirectiveProblem>();
  /** Lines that are too long to be read, and so are in no block. */
  readonly overlong: { readonly line: number; readonly start: number; readonly end: number }[] = [];
  strays: Strays | undefined;
  dependents: Dependents = new Map();
  prioritised: readonly number[] = [];
  /** Called for each state that changes. */
  onState: ((line: number, state: number) => void) | undefined;
  /** Bytes that are indexed. */
  end = 0;
  /** The last line if it lacks its line end, else 0. */
  unended = 0;
  /** The lines as they lie in the file, block by block. */
  readonly blocks: IndexedBlock[] = [];

  private readonly starts: Offsets;
  private states: Uint8Array;
  private lowestNew = 1;
  private lowestUndone = 1;
  private foremost = 0;
  private jobsBefore: Uint32Array | undefined;
  /** Undefined when no job waits for another. */
  private tracker: DependencyTracker | undefined;

  /** @param expectedLines how many lines to make room for at once; more are welcome */
  constructor(expectedLines: number) {
    this.starts = new Offsets(expectedLines);
    this.states = new Uint8Array(Math.max(16, expectedLines));
  }

  get lineCount(): number {
    return this.starts.length;
  }

  /** Appends a line that starts at byte `start`; `state` is `NOT_A_JOB` for anything but a job. */
  push(start: number, state: number): void {
    this.starts.push(start);
    if (this.starts.length > this.states.length) {
      const larger = new Uint8Array(Math.ceil(this.states.length * 1.5));
      larger.set(this.states);
      this.states = larger;
    }
    this.states[this.starts.length - 1] = state;
  }

  /** Called once after the last line: works out what directives mean together. */
  complete(end: number): void {
    this.end = end;
    if (this.directives.size === 0) return;
    const { dependents, problems } = resolveDependencies({
      directives: this.directives,
      barriers: this.barriers,
      isJob: line => this.stateAt(line) !== NOT_A_JOB,
    });
    this.dependents = dependents;
    if (dependents.size > 0) this.tracker = new DependencyTracker(dependents, this.lineCount, line => this.stateAt(line));
    for (const [line, message] of problems) this.problems.set(line, { column: this.afterColumns.get(line) ?? 1, message });
    const priorityOf = (line: number): number => this.directives.get(line)?.priority ?? 0;
    this.prioritised = [...this.directives.keys()]
      .filter(line => priorityOf(line) !== 0)
      .sort((a, b) => priorityOf(b) - priorityOf(a) || a - b);
  }

  stateAt(line: number): number {
    return this.states[line - 1] ?? NOT_A_JOB;
  }

  /** The lines in a state, in order. */
  *linesIn(state: number): Generator<number> {
    const states = this.states.subarray(0, this.lineCount);
    for (let at = states.indexOf(state); at >= 0; at = states.indexOf(state, at + 1)) yield at + 1;
  }

  setState(line: number, state: number): void {
    this.states[line - 1] = state;
    this.onState?.(line, state);
    this.tracker?.set(line, state);
    const block = this.blockOf(line);
    // From now on the index and the block as it was read differ: that it is as it was says nothing any more.
    if (block) block.whole = undefined;
    if (state === NEW) {
      this.lowestNew = Math.min(this.lowestNew, line);
      this.foremost = 0;
    }
    if (state !== DONE) this.lowestUndone = Math.min(this.lowestUndone, line);
  }

  /** The block that a line is in; undefined for lines too long to be read. */
  private blockOf(line: number): IndexedBlock | undefined {
    const block = this.blocks[firstPlace(this.blocks.length, place => (this.blocks[place] as IndexedBlock).lastLine >= line)];
    return block && block.firstLine <= line ? block : undefined;
  }

  waits(line: number): boolean {
    return this.tracker?.waits(line) ?? false;
  }

  nextOpen(state: number, from: number): number {
    if (this.tracker) return this.tracker.nextOpen(state, from);
    const at = this.states.subarray(0, this.lineCount).indexOf(state, from - 1);
    return at < 0 ? this.lineCount + 1 : at + 1;
  }

  awaiting(): Iterable<number> {
    return this.tracker?.awaiting() ?? [];
  }

  isUnusable(line: number): boolean {
    return this.problems.has(line);
  }

  get firstNew(): number {
    const at = this.states.subarray(0, this.lineCount).indexOf(NEW, this.lowestNew - 1);
    this.lowestNew = at < 0 ? this.lineCount + 1 : at + 1;
    return this.lowestNew;
  }

  get firstPrioritised(): number {
    while (this.foremost < this.prioritised.length && this.stateAt(this.prioritised[this.foremost] as number) !== NEW) this.foremost++;
    return this.foremost;
  }

  get firstUndone(): number {
    const { states, lineCount } = this;
    let line = this.lowestUndone;
    while (line <= lineCount && isOver(states[line - 1] as number)) line++;
    this.lowestUndone = line;
    return line;
  }

  /** Byte offset of the line's first byte. */
  startOf(line: number): number {
    return this.starts.at(line - 1);
  }

  /** Byte offset behind the line, its line end included. */
  endOf(line: number): number {
    return line < this.lineCount ? this.starts.at(line) : this.end;
  }

  /** The line that the byte at `offset` belongs to; 0 when there is none. */
  lineAround(offset: number): number {
    return this.starts.indexAtOrBefore(offset) + 1;
  }

  /** How many jobs are in each state, by state byte. */
  countStates(): Uint32Array {
    const counts = new Uint32Array(256);
    const { states, lineCount } = this;
    for (let at = 0; at < lineCount; at++) counts[states[at] as number]!++;
    counts[NOT_A_JOB] = 0;
    return counts;
  }

  /** Whether anything in the file can keep a job from ever running. */
  get mayBlock(): boolean {
    return this.barriers.length > 0 || this.dependents.size > 0 || this.problems.size > 0;
  }

  /** Which job a line is, counted over jobs only, from 1. */
  ordinalOf(line: number): number {
    this.jobsBefore ??= this.countJobs();
    const step = Math.floor((line - 1) / ORDINAL_STEP);
    let count = this.jobsBefore[step] as number;
    for (let at = step * ORDINAL_STEP; at < line; at++) if (this.states[at] !== NOT_A_JOB) count++;
    return count;
  }

  private countJobs(): Uint32Array {
    const counts = new Uint32Array(Math.ceil(this.lineCount / ORDINAL_STEP) + 1);
    const { states, lineCount } = this;
    let count = 0;
    for (let step = 0; step * ORDINAL_STEP < lineCount; step++) {
      counts[step] = count;
      const end = Math.min(lineCount, (step + 1) * ORDINAL_STEP);
      for (let at = step * ORDINAL_STEP; at < end; at++) if (states[at] !== NOT_A_JOB) count++;
    }
    return counts;
  }
}

function isOver(state: number): boolean {
  return state === DONE || state === NOT_A_JOB;
}

import type { Board, Dependents } from './board.js';
import { resolveDependencies } from './dependencies.js';
import { DependencyTracker } from './dependency-tracker.js';
import { DIRECTIVE_MARK } from './directive-mark.js';
import { type DirectiveProblem, type Directives, NO_DIRECTIVES } from './directives.js';
import type { NumberedJob } from './job.js';
import { NOT_A_JOB } from './line.js';
import { State } from './state.js';

const NEW = State.new.charCodeAt(0);
const DONE = State.done.charCodeAt(0);
/** State and separator. */
const BEFORE_COMMAND = 2;

/** A board in memory, made of a list of jobs: for queues that are read as a whole. Its states may be changed; the jobs stay as they are. */
export class JobTable implements Board {
  readonly directives: ReadonlyMap<number, Directives>;
  readonly dependents: Dependents;
  readonly prioritised: readonly number[];
  /** The jobs that are left alone, and why. */
  readonly problems: ReadonlyMap<number, DirectiveProblem>;
  private readonly states: Uint8Array;
  /** Undefined when no job waits for another. */
  private readonly tracker: DependencyTracker | undefined;
  private lowestNew = 1;
  private lowestUndone = 1;
  private foremost = 0;

  /**
   * @param jobs in order · @param barriers line numbers, ascending
   * @param states by line, where they are known apart from the jobs, which then need be no more than those with directives
   */
  constructor(
    jobs: readonly NumberedJob[],
    readonly barriers: readonly number[],
    readonly lineCount: number,
    states?: Uint8Array,
  ) {
    this.states = states ?? new Uint8Array(lineCount + 1);
    const directives = new Map<number, Directives>();
    const problems = new Map<number, DirectiveProblem>();
    const afterColumns = new Map<number, number>();
    for (const { number, state, command, directives: said, problem } of jobs) {
      if (states === undefined) this.states[number] = state.charCodeAt(0);
      if (problem) problems.set(number, problem);
      else if (said !== NO_DIRECTIVES) directives.set(number, said);
      if (said.after.length > 0) {
        afterColumns.set(number, BEFORE_COMMAND + command.indexOf('after=', command.lastIndexOf(DIRECTIVE_MARK)) + 1);
      }
    }
    const dependencies = resolveDependencies({ directives, barriers, isJob: line => this.stateAt(line) !== NOT_A_JOB });
    for (const [line, message] of dependencies.problems) problems.set(line, { column: afterColumns.get(line) ?? 1, message });
    const priorityOf = (line: number): number => directives.get(line)?.priority ?? 0;
    this.directives = directives;
    this.problems = problems;
    this.dependents = dependencies.dependents;
    if (this.dependents.size > 0) this.tracker = new DependencyTracker(this.dependents, lineCount, line => this.stateAt(line));
    this.prioritised = [...directives.keys()].filter(line => priorityOf(line) !== 0).sort((a, b) => priorityOf(b) - priorityOf(a) || a - b);
  }

  stateAt(line: number): number {
    return this.states[line] ?? NOT_A_JOB;
  }

  setState(line: number, state: number): void {
    this.states[line] = state;
    this.refresh(line, line);
  }

  /** To be called when states were changed from outside, from one line to another. */
  refresh(from: number, to: number): void {
    this.lowestNew = Math.min(this.lowestNew, from);
    this.lowestUndone = Math.min(this.lowestUndone, from);
    this.foremost = 0;
    if (this.tracker) for (let line = from; line <= to; line++) this.tracker.set(line, this.stateAt(line));
  }

  waits(line: number): boolean {
    return this.tracker?.waits(line) ?? false;
  }

  nextOpen(state: number, from: number): number {
    if (this.tracker) return this.tracker.nextOpen(state, from);
    const at = this.states.indexOf(state, from);
    return at < 0 ? this.lineCount + 1 : at;
  }

  awaiting(): Iterable<number> {
    return this.tracker?.awaiting() ?? [];
  }

  get firstNew(): number {
    while (this.lowestNew <= this.lineCount && this.stateAt(this.lowestNew) !== NEW) this.lowestNew++;
    return this.lowestNew;
  }

  get firstPrioritised(): number {
    while (this.foremost < this.prioritised.length && this.stateAt(this.prioritised[this.foremost] as number) !== NEW) this.foremost++;
    return this.foremost;
  }

  get firstUndone(): number {
    while (this.lowestUndone <= this.lineCount && isOver(this.stateAt(this.lowestUndone))) this.lowestUndone++;
    return this.lowestUndone;
  }

  isUnusable(line: number): boolean {
    return this.problems.has(line);
  }
}

function isOver(state: number): boolean {
  return state === DONE || state === NOT_A_JOB;
}

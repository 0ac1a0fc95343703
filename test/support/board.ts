import type { Board, Dependents } from '../../src/job/board.js';
import { resolveDependencies } from '../../src/job/dependencies.js';
import { type Directives, NO_DIRECTIVES } from '../../src/job/directives.js';
import { NOT_A_JOB } from '../../src/job/line.js';

/** A line of a board: a barrier, or a job's state and directives. */
export type BoardLine = '---' | (Partial<Directives> & { readonly state: string });

/** A board in memory. Slow and simple, and independent of how a queue stores its jobs. */
export class PlainBoard implements Board {
  readonly lineCount: number;
  readonly barriers: readonly number[];
  readonly directives: ReadonlyMap<number, Directives>;
  readonly dependents: Dependents;
  readonly prioritised: readonly number[];
  readonly problems: ReadonlyMap<number, string>;
  private readonly states: string[];

  constructor(lines: readonly BoardLine[]) {
    this.lineCount = lines.length;
    this.states = lines.map(line => (line === '---' ? '' : line.state));
    this.barriers = lines.flatMap((line, at) => (line === '---' ? [at + 1] : []));
    this.directives = new Map(
      lines.flatMap((line, at): [number, Directives][] =>
        line === '---' || Object.keys(line).length < 2 ? [] : [[at + 1, { ...NO_DIRECTIVES, ...line }]],
      ),
    );
    const { dependents, problems } = resolveDependencies({
      directives: this.directives,
      barriers: this.barriers,
      isJob: line => this.stateAt(line) !== NOT_A_JOB,
    });
    this.dependents = dependents;
    this.problems = problems;
    const priorityOf = (line: number): number => this.directives.get(line)?.priority ?? 0;
    this.prioritised = [...this.directives.keys()]
      .filter(line => priorityOf(line) !== 0)
      .sort((a, b) => priorityOf(b) - priorityOf(a) || a - b);
  }

  stateAt(line: number): number {
    return this.states[line - 1]?.charCodeAt(0) || NOT_A_JOB;
  }

  /** The state as a character; '' for a barrier. */
  state(line: number): string {
    return this.states[line - 1] ?? '';
  }

  set(line: number, state: string): void {
    this.states[line - 1] = state;
  }

  isUnusable(line: number): boolean {
    return this.problems.has(line);
  }

  waits(line: number): boolean {
    return this.needsOf(line).some(other => this.state(other) !== 'd');
  }

  nextOpen(state: number, from: number): number {
    return this.jobs.find(line => line >= from && this.stateAt(line) === state && !this.waits(line)) ?? this.lineCount + 1;
  }

  awaiting(): number[] {
    return this.jobs.filter(line => this.needsOf(line).some(other => 'r?'.includes(this.state(other))));
  }

  get firstNew(): number {
    return this.first(state => state === '.');
  }

  get firstPrioritised(): number {
    return this.prioritised.filter((_, place) => this.prioritised.slice(0, place + 1).every(other => this.state(other) !== '.')).length;
  }

  get firstUndone(): number {
    return this.first(state => state !== 'd' && state !== '');
  }

  /** All lines that are jobs. */
  get jobs(): number[] {
    return this.states.flatMap((state, at) => (state === '' ? [] : [at + 1]));
  }

  /** The lines that a job waits for: those of its `after`, and all jobs above the last barrier above it. */
  waitsFor(line: number): number[] {
    const barrier = this.barriers.findLast(other => other < line) ?? 0;
    return [...this.needsOf(line), ...this.jobs.filter(other => other < barrier)];
  }

  /** The lines that a job names in its `after`; those that have the name, for a number below 0. */
  needsOf(line: number): number[] {
    const needs = this.dependents.get(line) ?? [];
    return needs.flatMap(other => (other < 0 ? this.needsOf(other) : [other]));
  }

  private first(wanted: (state: string) => boolean): number {
    const at = this.states.findIndex(wanted);
    return at < 0 ? this.lineCount + 1 : at + 1;
  }
}

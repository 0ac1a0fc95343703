import type { Dependents } from './board.js';
import { State } from './state.js';

const DONE = State.done.charCodeAt(0);
const RUNNING = State.running.charCodeAt(0);
const CLAIMED = State.claimed.charCodeAt(0);

/**
 * Which jobs wait for others, kept up to date as states change: what a job frees is found through its dependants, and jobs that wait are
 * passed over without being looked at. Memory grows with the dependencies.
 */
export class DependencyTracker {
  /** By line: its state if it waits for nothing (more), else 0. */
  private readonly open: Buffer;
  /** By line: the state that was set last. */
  private readonly states: Uint8Array;
  /** By node: how many of those that it waits for are not done. Nodes are lines, and below 0 names that several lines have. */
  private readonly unmet = new Map<number, number>();
  /** By node: those that wait for it. */
  private readonly dependants = new Map<number, number[]>();
  /** The lines in hand that others wait for. */
  private readonly awaited = new Set<number>();

  constructor(dependents: Dependents, lineCount: number, stateAt: (line: number) => number) {
    this.open = Buffer.alloc(lineCount + 1);
    this.states = new Uint8Array(lineCount + 1);
    for (let line = 1; line <= lineCount; line++) this.states[line] = stateAt(line);
    // Each stands behind all that it waits for: whether names are met is known by then.
    for (const [node, others] of dependents) {
      let unmet = 0;
      for (const other of others) {
        if (!this.isMet(other)) unmet++;
        const dependants = this.dependants.get(other);
        if (dependants) dependants.push(node);
        else this.dependants.set(other, [node]);
      }
      this.unmet.set(node, unmet);
    }
    for (let line = 1; line <= lineCount; line++) this.refresh(line);
  }

  /** Whether the line waits for a job that is not done. */
  waits(line: number): boolean {
    return (this.unmet.get(line) ?? 0) > 0;
  }

  /** The first line from `from` on that has this state and waits for nothing; behind the last line if there is none. */
  nextOpen(state: number, from: number): number {
    const at = this.open.indexOf(state, from);
    return at < 0 ? this.open.length : at;
  }

  /** Lines that wait for a job in hand, perhaps among others. */
  *awaiting(): Generator<number> {
    for (const line of this.awaited) {
      for (const node of this.dependants.get(line) ?? []) {
        if (node > 0) yield node;
        else yield* this.dependants.get(node) ?? [];
      }
    }
  }

  /** To be called with every change of a state. */
  set(line: number, state: number): void {
    const before = this.states[line] as number;
    if (state === before) return;
    this.states[line] = state;
    this.refresh(line);
    if (before === DONE) this.count(line, 1);
    else if (state === DONE) this.count(line, -1);
  }

  private isMet(node: number): boolean {
    return node > 0 ? this.states[node] === DONE : this.unmet.get(node) === 0;
  }

  /** Tells the dependants of a node that it is met (-1), or is not any more (1). */
  private count(node: number, change: 1 | -1): void {
    for (const dependant of this.dependants.get(node) ?? []) {
      const before = this.unmet.get(dependant) as number;
      this.unmet.set(dependant, before + change);
      if (before > 0 && before + change > 0) continue;
      if (dependant > 0) this.refresh(dependant);
      else this.count(dependant, change);
    }
  }

  private refresh(line: number): void {
    const state = this.states[line] as number;
    this.open[line] = this.waits(line) ? 0 : state;
    if ((state === RUNNING || state === CLAIMED) && this.dependants.has(line)) this.awaited.add(line);
    else this.awaited.delete(line);
  }
}

import type { Dependent } from './board.js';
import { findCircles } from './circles.js';
import type { Directives } from './directives.js';

/** What `after` comes to: an order in which everything can be decided, and the lines that can never be. */
export interface Dependencies {
  /** The lines with `after`, each behind all that it waits for; those of earlier stages first. */
  readonly order: readonly Dependent[];
  /** Why a line's `after` cannot come true, by line. */
  readonly problems: ReadonlyMap<number, string>;
}

/** What is needed to resolve `after`. */
export interface DependencyFacts {
  readonly directives: ReadonlyMap<number, Directives>;
  readonly barriers: readonly number[];
  /** Whether this line is a job. */
  isJob(line: number): boolean;
}

/** Resolves names and numbers, and finds what is missing, stands behind a barrier that waits for the asker, or goes round in a circle. */
export function resolveDependencies(facts: DependencyFacts): Dependencies {
  const problems = new Map<number, string>();
  const needs = resolveNames(facts, problems);
  for (const [line, circle] of findCircles(needs)) {
    const onward = needs.get(line)?.find(other => circle.has(other));
    problems.set(line, `after: line ${line} waits for itself, by way of ${onward === line ? 'itself' : `line ${onward}`}`);
  }
  for (const line of problems.keys()) needs.delete(line);
  return { order: inOrder(needs, facts.barriers), problems };
}

/** How many barriers stand above a line. */
export function stageOf(line: number, barriers: readonly number[]): number {
  let from = 0;
  let to = barriers.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((barriers[middle] as number) < line) from = middle + 1;
    else to = middle;
  }
  return from;
}

function resolveNames(facts: DependencyFacts, problems: Map<number, string>): Map<number, number[]> {
  const named = new Map<string, number[]>();
  for (const [line, { name }] of facts.directives) {
    if (name === undefined) continue;
    const lines = named.get(name);
    if (lines) lines.push(line);
    else named.set(name, [line]);
  }
  const needs = new Map<number, number[]>();
  for (const [line, { after }] of facts.directives) {
    if (after.length === 0) continue;
    const wanted: number[] = [];
    for (const reference of after) {
      const lines = typeof reference === 'number' ? [reference].filter(facts.isJob) : (named.get(reference) ?? []);
      const later = lines.find(other => stageOf(other, facts.barriers) > stageOf(line, facts.barriers));
      if (lines.length === 0) {
        problems.set(line, typeof reference === 'number' ? `after: line ${reference} is not a job` : `after: no job is named ${reference}`);
      } else if (later !== undefined) {
        problems.set(line, `after: line ${later} stands below a barrier that waits for this line`);
      }
      wanted.push(...lines);
    }
    if (!problems.has(line)) needs.set(line, wanted);
  }
  return needs;
}

/** Stage by stage, and within a stage what is waited for first. */
function inOrder(needs: ReadonlyMap<number, readonly number[]>, barriers: readonly number[]): Dependent[] {
  const order: Dependent[] = [];
  const placed = new Set<number>();
  const byStage = [...needs.keys()].sort((a, b) => stageOf(a, barriers) - stageOf(b, barriers) || a - b);
  for (const root of byStage) {
    const stack = [root];
    while (stack.length > 0) {
      const line = stack[stack.length - 1] as number;
      const lineNeeds = needs.get(line) ?? [];
      const missing = placed.has(line) ? undefined : lineNeeds.find(other => needs.has(other) && !placed.has(other));
      if (missing !== undefined) {
        stack.push(missing);
        continue;
      }
      stack.pop();
      if (placed.has(line)) continue;
      placed.add(line);
      order.push({ line, needs: lineNeeds });
    }
  }
  return order;
}

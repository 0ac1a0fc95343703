import type { Dependents } from './board.js';
import type { Directives } from './directives.js';
import { type Graph, orderOf } from './graph.js';
import { firstPlace } from './search.js';

/** What `after` comes to: what can be decided, and the lines that can never be. */
export interface Dependencies {
  readonly dependents: Dependents;
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
  const graph = waitsOf(facts, problems);
  const { order, circles } = orderOf(graph);
  for (const [line, circle] of circles) {
    if (line < 0) continue;
    const onward = linesOf(graph, graph.get(line) ?? []).find(other => circle.has(other));
    problems.set(line, `after: line ${line} waits for itself, by way of ${onward === line ? 'itself' : `line ${onward}`}`);
  }
  const decidable = order.filter(line => !problems.has(line));
  return { dependents: new Map(decidable.map(line => [line, graph.get(line) ?? []])), problems };
}

/** How many barriers stand above a line. */
export function stageOf(line: number, barriers: readonly number[]): number {
  return firstPlace(barriers.length, at => (barriers[at] as number) >= line);
}

/**
 * What each line with a usable `after` waits for. A name that many lines have is a node of its own, below 0: otherwise
 * half of the lines waiting for a name that the other half has would make for a square of edges.
 */
function waitsOf(facts: DependencyFacts, problems: Map<number, string>): Graph {
  const named = linesByName(facts.directives);
  const graph = new Map<number, readonly number[]>();
  const nodes = new Map<string, number>();
  const nodeOf = (name: string, lines: readonly number[]): number => {
    if (lines.length === 1) return lines[0] as number;
    const node = nodes.get(name) ?? -1 - nodes.size;
    nodes.set(name, node);
    graph.set(node, lines);
    return node;
  };
  for (const [line, { after }] of facts.directives) {
    if (after.length === 0) continue;
    const stage = stageOf(line, facts.barriers);
    const nodesWanted: number[] = [];
    for (const reference of after) {
      const lines = typeof reference === 'number' ? [reference].filter(facts.isJob) : (named.get(reference) ?? []);
      const last = lines.at(-1);
      if (last === undefined) {
        problems.set(line, typeof reference === 'number' ? `after: line ${reference} is not a job` : `after: no job is named ${reference}`);
      } else if (stageOf(last, facts.barriers) > stage) {
        const later = lines.find(other => stageOf(other, facts.barriers) > stage);
        problems.set(line, `after: line ${later} stands below a barrier that waits for this line`);
      } else nodesWanted.push(typeof reference === 'number' ? last : nodeOf(reference, lines));
    }
    if (!problems.has(line)) graph.set(line, nodesWanted);
  }
  return graph;
}

/** The lines that have each name, ascending. */
function linesByName(directives: DependencyFacts['directives']): Map<string, number[]> {
  const named = new Map<string, number[]>();
  for (const [line, { name }] of directives) {
    if (name === undefined) continue;
    const lines = named.get(name);
    if (lines) lines.push(line);
    else named.set(name, [line]);
  }
  return named;
}

function linesOf(graph: Graph, nodes: readonly number[]): number[] {
  return nodes.flatMap(node => (node < 0 ? (graph.get(node) ?? []) : [node]));
}

import { less } from '../../../job/needs.js';
import { type Pick, pick } from '../../../job/readiness.js';
import { State } from '../../../job/state.js';
import type { ClaimRequest } from '../../queue.js';
import type { Mirror } from '../lines/mirror.js';

/** Lines from which to take jobs in this order: up to a number of those in this state. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly state: string;
}

export type Choice = { readonly kind: 'ranges'; readonly ranges: readonly Range[] } | Exclude<Pick, { kind: 'ready' }>;

/**
 * The ready jobs, in order, with some to spare: others may take some of them first. All of them together fit. Consecutive new jobs without
 * directives form one range: any remaining ones can be taken.
 */
export function choose(mirror: Mirror, request: ClaimRequest, wanted: number): Choice {
  const { board, rules } = mirror;
  const { retry, tried, capacity } = request;
  const ranges: Range[] = [];
  const skip = new Set<number>();
  let { free } = request;
  for (let left = wanted; left > 0; ) {
    const next = pick(board, { retry, tried, capacity, free }, skip);
    if (next.kind !== 'ready') return ranges.length > 0 ? { kind: 'ranges', ranges } : next;
    const { line } = next;
    const state = mirror.stateAt(line);
    const directives = board.directives.get(line);
    if (directives !== undefined) free = free && less(free, directives.needs);
    if (directives !== undefined || retry || state !== State.new) {
      ranges.push({ from: line, to: line, state });
      skip.add(line);
      left--;
      continue;
    }
    const to = Math.min(rules.nextMark(line) - 1, mirror.lines);
    ranges.push({ from: line, to, state });
    for (let at = line; at <= to && left > 0; at++) {
      if (mirror.stateAt(at) !== State.new) continue;
      skip.add(at);
      left--;
    }
  }
  return { kind: 'ranges', ranges };
}

import { firstPlace } from './search.js';

/** A run of numbers, both ends included; an open end is absent. */
export interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Both ends included; an open end is 1 or Infinity. */
export interface ClosedRange {
  readonly from: number;
  readonly to: number;
}

/** The fewest ranges that name the same lines, in order. No two of them touch. */
export function mergedRanges(ranges: readonly Range[]): ClosedRange[] {
  const closed = ranges.map(({ from = 1, to = Number.POSITIVE_INFINITY }) => ({ from: Math.max(from, 1), to }));
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of closed.filter(range => range.from <= range.to).sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to + 1) merged.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return merged;
}

/** Whether a line is in one of these ranges, which are as `mergedRanges` gives them: scripts choose lines by the hundred thousand. */
export function isWithin(merged: readonly ClosedRange[], line: number): boolean {
  const found = merged[firstPlace(merged.length, at => (merged[at] as ClosedRange).to >= line)];
  return found !== undefined && found.from <= line;
}

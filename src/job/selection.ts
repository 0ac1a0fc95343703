import type { State } from './state.js';

/** A run of numbers, both ends included; an open end is absent. */
export interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Which jobs are meant: those for which every given choice holds. Plain data, so that it can cross a network. */
export interface Selection {
  /** Line numbers: a job is chosen when any of these ranges, or any of `offsets`, names it. */
  readonly lines?: readonly Range[] | undefined;
  /** Byte offsets of lines: the older program's job ids. */
  readonly offsets?: readonly number[] | undefined;
  /** A job is chosen when its state is one of these characters. */
  readonly states?: readonly State[] | undefined;
  /** Source of a regular expression that the command must match. */
  readonly match?: string | undefined;
}

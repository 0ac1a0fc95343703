import { parseDirectives } from '../job/directives.js';
import { asLine, type Job, type LineJob } from '../job/job.js';
import type { Range } from '../job/line-ranges.js';
import type { Selection } from '../job/selection.js';
import { fromWire, toWire } from './bytes.js';
import type { WireJob, WireSelection } from './messages.js';

/** A job as it crosses the wire. Its directives are parsed again at the other end. */
export function jobToWire(job: Job): WireJob {
  const { number, ordinal, offset, state, command, holder } = asLine(job);
  return { number, ordinal, offset, state, command: toWire(command), ...(holder && { holder }) };
}

export function jobFromWire({ command: wired, ...rest }: WireJob): LineJob {
  const command = fromWire(wired);
  return { id: String(rest.number), ...rest, command, ...parseDirectives(command) };
}

/** The part of a selection that a server can evaluate. */
export type SendableSelection = Omit<Selection, 'match'>;

/** Thousands of lines that are chosen one by one take no more room than on the command line. */
export function selectionToWire({ lines, ...rest }: SendableSelection): WireSelection {
  const wired = lines?.map(({ from, to }) =>
    from !== undefined && from === to ? from : ([from ?? null, to ?? null] satisfies [number | null, number | null]),
  );
  return { ...(rest as Omit<WireSelection, 'lines'>), ...(wired && { lines: wired }) };
}

export function selectionFromWire({ lines, ...rest }: WireSelection): Selection {
  return { ...rest, ...(lines && { lines: lines.map(rangeFromWire) }) };
}

function rangeFromWire(range: number | [number | null, number | null]): Range {
  if (typeof range === 'number') return { from: range, to: range };
  const [from, to] = range;
  return { ...(from !== null && { from }), ...(to !== null && { to }) };
}

import { RunmakerError } from '../../errors.js';
import { amount } from '../../job/amount.js';
import { mergedRanges } from '../../job/line-ranges.js';
import { type SendableSelection, selectionToWire } from '../../wire/job-form.js';
import { LONGEST_FROM_CLIENT, type WireSelection } from '../../wire/messages.js';

/** The longest selection, in bytes; the rest of the message is around it. */
const LONGEST = LONGEST_FROM_CLIENT - 1024;

/**
 * A selection in the form to send: with the fewest ranges that name the same lines.
 * @throws RunmakerError when it is longer than a server reads: the server would end the connection at each try
 */
export function sentSelection(selection: SendableSelection): WireSelection {
  const { lines, offsets } = selection;
  const wired = selectionToWire({ ...selection, ...(lines && { lines: mergedRanges(lines).map(withOpenEnd) }) });
  const length = Buffer.byteLength(JSON.stringify(wired));
  if (length <= LONGEST) return wired;
  const named = [
    wired.lines && `${amount(wired.lines.length, 'line')} or ranges of lines`,
    offsets && amount(offsets.length, 'byte offset'),
  ].filter(Boolean);
  throw new RunmakerError(
    'usage',
    `a selection of ${length} bytes (${named.join(', ')}) is more than the ${LONGEST} bytes that a server takes at once`,
    {
      hint: 'choose fewer jobs at a time, by ranges, or by state or --match',
    },
  );
}

/** JSON has no Infinity. */
function withOpenEnd({ from, to }: { from: number; to: number }): { from: number; to?: number } {
  return { from, ...(to !== Number.POSITIVE_INFINITY && { to }) };
}

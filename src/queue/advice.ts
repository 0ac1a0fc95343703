import type { Board } from '../job/board.js';
import type { DirectiveProblem } from '../job/directives.js';
import { type Asker, isWanted, tooBig } from '../job/readiness.js';
import type { ClaimRequest, QueueNotice } from './queue.js';

/** A board that knows why jobs are left alone. */
export interface AdvisedBoard extends Board {
  readonly problems: ReadonlyMap<number, DirectiveProblem>;
  /** Lines that are neither jobs nor anything else known; undefined when there are none. */
  readonly strays?: Strays | undefined;
}

/** Lines that may have been meant as jobs: the number and text of the first, and the count. */
export interface Strays {
  readonly line: number;
  readonly text: Buffer;
  count: number;
}

/** Notices for an asker about lines that it would otherwise run, except one: why they cannot run. */
export function* noticesOf(board: AdvisedBoard, asker: Asker, except = 0): Generator<QueueNotice> {
  if (board.strays) yield { kind: 'news', ...describeStrays(board.strays) };
  for (const [line, { column, message }] of board.problems) {
    if (line !== except && isWanted(board.stateAt(line), line, asker)) yield { kind: 'unusable', line, column, message };
  }
  if (asker.capacity === undefined) return;
  for (const line of tooBig(board, asker)) {
    const needs = board.directives.get(line)?.needs;
    if (needs && line !== except) yield { kind: 'tooBig', line, needs };
  }
}

/** Some editors put it at the start of a UTF-8 file. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff');
/** Characters of a stray line to show. */
const SHOWN = 60;

function describeStrays({ line, text, count }: Strays): { readonly message: string; readonly hint: string } {
  if (text.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) {
    return {
      message: `line ${line} begins with a byte order mark, so it is no job and is passed over`,
      hint: "save the file as UTF-8 without one, or take it away: sed -i '1s/^\\xef\\xbb\\xbf//' FILE",
    };
  }
  if (/^[.-]\+/.test(text.toString('latin1', 0, 2))) {
    return {
      message: `line ${line} was not added to its end, so it is no job and is passed over`,
      hint: 'the program that added it was killed: add its jobs again, and delete the lines that begin with ".+" or "-+"',
    };
  }
  const shown = JSON.stringify(text.toString().slice(0, SHOWN));
  // Without the count: otherwise each added line would repeat the message.
  const others = count === 1 ? '' : ', as are others';
  return {
    message: `line ${line} is no job and is passed over: ${shown}${others}`,
    hint: 'a job is a state, a blank and a command (". echo hello"), a barrier nothing but dashes, and a comment begins with "#"',
  };
}

/** Gives an asker each notice once, however often the jobs are read. */
export class Advice {
  private readonly told = new Set<string>();

  give(notices: Iterable<QueueNotice>, tell: NonNullable<ClaimRequest['tell']>): void {
    for (const notice of notices) {
      const what = JSON.stringify(notice);
      if (this.told.has(what)) continue;
      this.told.add(what);
      tell(notice);
    }
  }
}

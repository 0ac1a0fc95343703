import type { Board } from '../job/board.js';
import type { DirectiveProblem } from '../job/directives.js';
import { type Asker, isWanted, tooBig } from '../job/readiness.js';
import type { ClaimRequest, QueueNotice } from './queue.js';

/** A board that knows why jobs are left alone. */
export interface AdvisedBoard extends Board {
  readonly problems: ReadonlyMap<number, DirectiveProblem>;
}

/** What an asker should know about lines that it would otherwise run, all but one: that they cannot be, and why. */
export function* noticesOf(board: AdvisedBoard, asker: Asker, except = 0): Generator<QueueNotice> {
  for (const [line, { column, message }] of board.problems) {
    if (line !== except && isWanted(board.stateAt(line), line, asker)) yield { kind: 'unusable', line, column, message };
  }
  if (asker.capacity === undefined) return;
  for (const line of tooBig(board, asker)) {
    const needs = board.directives.get(line)?.needs;
    if (needs && line !== except) yield { kind: 'tooBig', line, needs };
  }
}

/** Tells an asker each thing once, however often the jobs are read. */
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

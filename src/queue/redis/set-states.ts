import { RunmakerError } from '../../errors.js';
import type { LineJob } from '../../job/job.js';
import { State } from '../../job/state.js';
import type { SetResult } from '../queue.js';
import type { Mirror } from './lines/mirror.js';
import { SET } from './scripts/change.js';
import { BLOCK } from './scripts/prelude.js';
import type { Writer } from './writer.js';

/** Most looks at lines that others change at the same time. */
const MOST_ROUNDS = 100;
const IN_HAND: ReadonlySet<string> = new Set([State.running, State.claimed]);

/** What setting states needs from its queue. */
export interface SetParts {
  readonly mirror: Mirror;
  readonly writer: Writer;
  /** The chosen lines as they are now. @param among only these */
  readonly chosen: (among: ReadonlySet<number> | undefined) => Promise<readonly number[]>;
  /** The lines of running jobs that have a live owner. */
  readonly held: () => Promise<ReadonlySet<number>>;
  readonly jobs: (lines: readonly number[]) => Promise<readonly LineJob[]>;
}

/** Sets the states of the chosen lines, a block of lines at a time. Lines whose state has changed meanwhile are chosen again. */
export async function setStates({ mirror, writer, chosen, held, jobs }: SetParts, state: State, force: boolean): Promise<SetResult> {
  let matched = 0;
  let changed = 0;
  const running: number[] = [];
  let again: ReadonlySet<number> | undefined;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const lines = await chosen(again);
    const isInHand = lines.some(line => IN_HAND.has(mirror.stateAt(line)));
    const present: ReadonlySet<number> = isInHand && !force ? await held() : new Set();
    const left: number[] = [];
    for (let at = 0; at < lines.length; ) {
      const begin = Math.floor(((lines[at] as number) - 1) / BLOCK) * BLOCK + 1;
      const block: number[] = [];
      for (; at < lines.length && (lines[at] as number) < begin + BLOCK; at++) block.push(lines[at] as number);
      matched += block.length;
      const toSet = block.filter(line => {
        if (mirror.stateAt(line) === state) return false;
        if (!IN_HAND.has(mirror.stateAt(line)) || !present.has(line)) return true;
        running.push(line);
        return false;
      });
      if (toSet.length === 0) continue;
      const skipped = await setBlock(mirror, writer, toSet, state, force);
      changed += toSet.length - skipped.length;
      matched -= skipped.length;
      left.push(...skipped);
    }
    if (left.length === 0) return { matched, changed, running: running.length > 0 ? await jobs(running) : [] };
    again = new Set(left);
  }
  throw new RunmakerError('queue', `${again?.size} lines were changed by others again and again while they were being set`, {
    hint: 'the others are set; run the same command again',
  });
}

/** @param lines of one block, ascending, each to be changed · @returns those left alone */
async function setBlock(mirror: Mirror, writer: Writer, lines: readonly number[], state: State, force: boolean): Promise<number[]> {
  const [from, to] = [lines[0] as number, lines.at(-1) as number];
  const known = mirror.slice(from, to);
  const wanted = Buffer.from(known);
  for (const line of lines) wanted[line - from] = state.charCodeAt(0);
  const hands = lines.filter(line => IN_HAND.has(mirror.stateAt(line)));
  const lowest = state === State.new ? from : 0;
  const reply = await writer.call(SET, () => [from, known, wanted, force ? '1' : '0', lowest, ...hands]);
  const text = String(reply);
  return text === '' ? [] : text.split(',').map(Number);
}

import { RunmakerError } from '../../../errors.js';
import { JobTable } from '../../../job/job-table.js';
import { NOT_A_JOB } from '../../../job/line.js';
import type { AdvisedBoard } from '../../advice.js';
import type { Connection, Reply } from '../connection/connection.js';
import { LOOK } from '../scripts/change.js';
import { BLOCK } from '../scripts/prelude.js';
import { BARRIER, NO_JOB } from './line-text.js';
import { unpackNumbers } from './packed.js';
import { Rules } from './rules.js';
import { readChosen } from './text-reader.js';

const [NO_JOB_BYTE, BARRIER_BYTE] = [NO_JOB.charCodeAt(0), BARRIER.charCodeAt(0)];

/** A board over the mirror's states. */
export type MirrorBoard = JobTable & AdvisedBoard;

/** A copy of a queue's states, updated by looks that fetch the changes since the last one. */
export class Mirror {
  generation = '';
  seq = -1;
  /** Grows when lines that were done or awaited may no longer be so. */
  resets = 0;
  lines = 0;
  /** How many lines were known before this look: the others are not in `counts` yet. */
  private counted = 0;
  rules = new Rules();
  /** How many lines are in each state, by byte. */
  readonly counts = new Uint32Array(256);
  /** In Redis's form, from line 1 at 0. */
  private states: Buffer = Buffer.alloc(0);
  /** By line, in a board's form. Empty until a board is requested. */
  private boardStates: Uint8Array = new Uint8Array(0);
  private table: MirrorBoard | undefined;
  private looking: Promise<unknown> = Promise.resolve();

  /** @param noted receives each generation and seq seen, and throws when the queue is another one than before */
  constructor(
    private readonly connection: Connection,
    private readonly noted: (generation: string, seq: number) => void,
  ) {}

  /** Takes a look. Concurrent looks run one after the other. */
  look(signal?: AbortSignal): Promise<void> {
    const look = this.looking.then(() => this.takeLook(signal));
    this.looking = look.catch(() => undefined);
    return look;
  }

  stateAt(line: number): string {
    return String.fromCharCode(this.states[line - 1] as number);
  }

  byteAt(line: number): number {
    return this.states[line - 1] as number;
  }

  isJob(line: number): boolean {
    const byte = this.states[line - 1];
    return byte !== NO_JOB_BYTE && byte !== BARRIER_BYTE;
  }

  /** The states of some lines, from the first to the last. */
  slice(from: number, to: number): Buffer {
    return Buffer.from(this.states.subarray(from - 1, to));
  }

  /** For `pick`. Changes with each look. */
  get board(): MirrorBoard {
    if (this.table === undefined) {
      this.boardStates = this.statesByLine();
      this.table = this.newBoard(this.boardStates);
    }
    return this.table;
  }

  /** A separate board, whose states may be changed. */
  draft(): MirrorBoard {
    return this.newBoard(this.statesByLine());
  }

  private async takeLook(signal: AbortSignal | undefined): Promise<void> {
    const { connection, generation: known, seq: knownSeq } = this;
    const marks = this.rules.marks.length;
    const reply = (await connection.call(LOOK, { args: () => [known, knownSeq, marks], signal })) as readonly Reply[];
    const [generation, seq, resets, lines] = [String(reply[0]), Number(reply[1]), Number(reply[2]), Number(reply[3])];
    if (generation !== known || seq < knownSeq) this.reset();
    this.noted(generation, seq);
    if (seq === this.seq && generation === known) return;
    const isGrown = lines !== this.lines;
    this.grow(lines);
    for (let at = 5; at < reply.length; at += 2) this.update(Number(reply[at]), reply[at + 1] as Buffer);
    const fresh = unpackNumbers(reply[4] as Buffer);
    try {
      await this.learn(fresh, signal);
    } catch (error) {
      // Only part of it was noted: the next look starts over.
      this.reset();
      throw error;
    }
    // Other lines may have been waiting for the new ones.
    if (fresh.length > 0 || isGrown) this.table = undefined;
    this.generation = generation;
    this.seq = seq;
    this.resets = resets;
  }

  private async learn(marks: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    for await (const lines of readChosen(this.connection, marks)) {
      signal?.throwIfAborted();
      for (const line of lines) this.rules.add(line, this.stateAt(line.number));
    }
    const { length } = this.rules.marks;
    if (length > 0 && (this.rules.marks[length - 1] as number) > this.lines)
      throw new RunmakerError(
        'queue',
        `${this.connection.address.shown}: the queue is damaged: line ${this.rules.marks[length - 1]} is marked and not there`,
      );
  }

  private update(block: number, states: Buffer): void {
    const start = block * BLOCK;
    const { counts } = this;
    for (let at = start; at < Math.min(start + states.length, this.counted); at++) counts[this.states[at] as number]!--;
    states.copy(this.states, start);
    for (let at = 0; at < states.length; at++) counts[states[at] as number]!++;
    if (this.table === undefined) return;
    for (let at = 0; at < states.length; at++) this.boardStates[start + at + 1] = boardState(states[at] as number);
    this.table.refresh(start + 1, Math.min(start + states.length, this.lines));
  }

  private grow(lines: number): void {
    if (lines > this.states.length) {
      const states = Buffer.alloc(Math.max(lines, Math.ceil(this.states.length * 1.5)));
      this.states.copy(states);
      this.states = states;
    }
    if (lines !== this.lines) this.table = undefined;
    this.counted = this.lines;
    this.lines = lines;
  }

  private newBoard(states: Uint8Array): MirrorBoard {
    const { jobs, barriers, strays } = this.rules;
    return Object.assign(new JobTable(jobs, barriers, this.lines, states), { strays });
  }

  private statesByLine(): Uint8Array {
    const states = new Uint8Array(this.lines + 1);
    for (let at = 0; at < this.lines; at++) states[at + 1] = boardState(this.states[at] as number);
    return states;
  }

  private reset(): void {
    this.generation = '';
    this.seq = -1;
    this.lines = 0;
    this.rules = new Rules();
    this.states = Buffer.alloc(0);
    this.table = undefined;
    this.counts.fill(0);
  }
}

function boardState(byte: number): number {
  return byte === NO_JOB_BYTE || byte === BARRIER_BYTE ? NOT_A_JOB : byte;
}

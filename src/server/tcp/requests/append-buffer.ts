import { RunmakerError } from '../../../errors.js';
import { amount } from '../../../job/amount.js';
import { LF } from '../../../job/line.js';
import { fromWire, type WireBytes } from '../../../wire/bytes.js';
import { ProtocolError } from '../../../wire/messages.js';

/** What all clients together may have under way to be appended, in bytes. */
export class AppendBudget {
  private used = 0;

  constructor(private readonly most: number) {}

  take(bytes: number): boolean {
    if (this.used + bytes > this.most) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

/** What a piece takes besides its bytes. */
const PIECE = 256;
/** Requests of one client whose pieces have come, and not all of them, or not the request itself. */
const MOST_INCOMPLETE = 10_000;

/** Gathers the pieces in which commands come, until all are there. */
export class AppendBuffer {
  /** By the ids of the requests. What is too much is not kept, and refused when it is complete. `taken`: of the budget. */
  private readonly gathered = new Map<number, { parts: Buffer[]; taken: number; isTooMuch: boolean }>();

  constructor(private readonly budget: AppendBudget) {}

  /** @throws ProtocolError when too many requests are incomplete */
  add(id: number, wired: WireBytes): void {
    const entry = this.gathered.get(id) ?? { parts: [], taken: 0, isTooMuch: false };
    this.gathered.set(id, entry);
    if (this.gathered.size > MOST_INCOMPLETE) throw new ProtocolError(`parts of more than ${MOST_INCOMPLETE} requests`);
    if (entry.isTooMuch) return;
    const bytes = fromWire(wired);
    const cost = PIECE + bytes.length;
    if (!this.budget.take(cost)) {
      entry.isTooMuch = true;
      return;
    }
    entry.parts.push(bytes);
    entry.taken += cost;
  }

  /**
   * Hands the commands on, and forgets them.
   * @throws RunmakerError when they are too much, or not all there
   */
  async use(id: number, count: number, work: (commands: readonly Buffer[]) => Promise<void>): Promise<void> {
    const { parts, taken, isTooMuch } = this.gathered.get(id) ?? { parts: [], taken: 0, isTooMuch: false };
    this.gathered.delete(id);
    try {
      if (isTooMuch) {
        throw new RunmakerError('queue', 'that is too much for the server at once', { hint: 'append fewer jobs at a time, up to 64 MiB' });
      }
      const commands = [...linesOf(Buffer.concat(parts))];
      if (commands.length !== count) {
        throw new RunmakerError('queue', `of ${amount(count, 'announced job')} ${commands.length} came: none was appended`);
      }
      await work(commands);
    } finally {
      this.budget.give(taken);
    }
  }

  /** Forgets what came of these commands, if they were not used. */
  drop(id: number): void {
    this.budget.give(this.gathered.get(id)?.taken ?? 0);
    this.gathered.delete(id);
  }

  /** Nobody will complete what is not complete. */
  clear(): void {
    for (const id of [...this.gathered.keys()]) this.drop(id);
  }
}

function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(LF, start);
    if (feed < 0) return;
    yield bytes.subarray(start, feed);
    start = feed + 1;
  }
}

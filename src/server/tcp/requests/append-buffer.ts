import { RunmakerError } from '../../../errors.js';
import { amount } from '../../../job/amount.js';
import { LF } from '../../../job/line.js';
import { fromWire, type WireBytes } from '../../../wire/bytes.js';
import { ProtocolError } from '../../../wire/messages.js';

/** How many bytes all clients together may have buffered for appends. */
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

/** What a part costs besides its bytes. */
const PART_OVERHEAD = 256;
/** Requests of one client of which only parts have come. */
const MOST_INCOMPLETE = 10_000;

/** Collects the parts of append requests until they are complete. What is incomplete when the connection is lost is dropped. */
export class AppendBuffer {
  /** By request id. What is too much is not kept, and refused when it is complete. `taken`: of the budget. */
  private readonly requests = new Map<number, { parts: Buffer[]; taken: number; isTooMuch: boolean }>();

  constructor(private readonly budget: AppendBudget) {}

  /** @throws ProtocolError when too many requests are incomplete */
  add(id: number, wired: WireBytes): void {
    const entry = this.requests.get(id) ?? { parts: [], taken: 0, isTooMuch: false };
    this.requests.set(id, entry);
    if (this.requests.size > MOST_INCOMPLETE) throw new ProtocolError(`parts of more than ${MOST_INCOMPLETE} requests`);
    if (entry.isTooMuch) return;
    const bytes = fromWire(wired);
    const cost = PART_OVERHEAD + bytes.length;
    if (!this.budget.take(cost)) {
      entry.isTooMuch = true;
      return;
    }
    entry.parts.push(bytes);
    entry.taken += cost;
  }

  /**
   * Passes the commands of a request to `work`, and drops them.
   * @throws RunmakerError when they are too much, or incomplete
   */
  async use(id: number, count: number, work: (commands: readonly Buffer[]) => Promise<void>): Promise<void> {
    const { parts, taken, isTooMuch } = this.requests.get(id) ?? { parts: [], taken: 0, isTooMuch: false };
    this.requests.delete(id);
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

  /** Drops what has come of a request that was not used. */
  drop(id: number): void {
    this.budget.give(this.requests.get(id)?.taken ?? 0);
    this.requests.delete(id);
  }

  /** Drops everything. */
  clear(): void {
    for (const id of [...this.requests.keys()]) this.drop(id);
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

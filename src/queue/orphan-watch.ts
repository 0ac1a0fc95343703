import { RunmakerError } from '../errors.js';
import { findOrphans, nameLines } from './orphans.js';
import type { Queue } from './queue.js';

/** Names orphans, each once. */
export class OrphanWatch {
  private readonly named = new Set<number>();
  /** Since when nobody was seen at them, by performance.now(). */
  private absent: ReadonlyMap<number, number> | undefined;

  /** @param notice takes what there is to say, and what can be done */
  constructor(
    private readonly queue: Queue,
    private readonly notice: (message: string, hint: string) => void,
  ) {}

  /** What the first look finds is named at once, and what the `last` one finds. All else must stay orphaned for a while where presence may return. */
  async look({ last = false }: { last?: boolean } = {}): Promise<void> {
    const { presenceReturns = 0 } = this.queue.capabilities;
    const before = this.absent;
    const now = performance.now();
    const lines = await this.findThem();
    this.absent = new Map(lines.map(line => [line, before?.get(line) ?? now]));
    const isSure = (line: number): boolean => last || before === undefined || now - (this.absent?.get(line) ?? now) >= presenceReturns;
    const found = lines.filter(line => !this.named.has(line) && isSure(line));
    if (found.length === 0) return;
    for (const line of found) this.named.add(line);
    this.notice(
      `${nameLines(found)} ${found.length === 1 ? 'is' : 'are'} orphaned: nobody shows that the job is being run`,
      `${this.queue.capabilities.silent ?? 'older runners'} never show it; if none is at work, have it run again: runset --reclaim ${this.queue.name}`,
    );
  }

  /** A queue that cannot be reached is for those to deal with who need it: they are more patient. */
  private async findThem(): Promise<number[]> {
    try {
      return await findOrphans(this.queue);
    } catch (error) {
      if (error instanceof RunmakerError && error.code === 'queue') return [];
      throw error;
    }
  }
}

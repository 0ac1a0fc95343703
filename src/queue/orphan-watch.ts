import { findOrphansNow, nameLines } from './orphans.js';
import type { Queue } from './queue.js';

/** Nobody's leaving is put off for longer than this, in ms, by what may be an orphan. */
const LONGEST_WAIT = 5000;

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

  /**
   * What the first look finds is named at once. All else must stay orphaned for a while where presence may return: true asks for another
   * look after that. With the `last` look all is named as it seems where that would take long.
   */
  async look({ last = false }: { last?: boolean } = {}): Promise<boolean> {
    const { presenceReturns = 0, silent = 'older runners' } = this.queue.capabilities;
    const before = this.absent;
    const now = performance.now();
    const lines = (await findOrphansNow(this.queue)) ?? [];
    const since = new Map(lines.map(line => [line, before?.get(line) ?? now]));
    this.absent = since;
    const isSureOfAll = before === undefined || (last && presenceReturns > LONGEST_WAIT);
    const unnamed = lines.filter(line => !this.named.has(line));
    const found = unnamed.filter(line => isSureOfAll || now - (since.get(line) ?? now) >= presenceReturns);
    if (found.length > 0) {
      for (const line of found) this.named.add(line);
      this.notice(
        `${nameLines(found)} ${found.length === 1 ? 'is' : 'are'} orphaned: nobody shows that the job is being run`,
        `${silent} never show it; if none is at work, have it run again: runset --reclaim ${this.queue.name}`,
      );
    }
    return unnamed.length > found.length;
  }
}

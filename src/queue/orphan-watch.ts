import { findOrphansNow, nameJobs } from './orphans.js';
import type { Queue } from './queue.js';

/** Nobody's leaving is put off for longer than this, in ms, by what may be an orphan. */
const LONGEST_WAIT = 5000;

/** Names orphans, each once. */
export class OrphanWatch {
  private readonly named = new Set<string>();
  /** Since when nobody was seen at them, by performance.now(). */
  private absent: ReadonlyMap<string, number> | undefined;

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
    const jobs = (await findOrphansNow(this.queue)) ?? [];
    const since = new Map(jobs.map(({ id }) => [id, before?.get(id) ?? now]));
    this.absent = since;
    const isSureOfAll = before === undefined || (last && presenceReturns > LONGEST_WAIT);
    const unnamed = jobs.filter(({ id }) => !this.named.has(id));
    const found = unnamed.filter(({ id }) => isSureOfAll || now - (since.get(id) ?? now) >= presenceReturns);
    if (found.length > 0) {
      for (const { id } of found) this.named.add(id);
      this.notice(
        `${nameJobs(found)} ${found.length === 1 ? 'is' : 'are'} orphaned: nobody shows that the job is being run`,
        `${silent} never show it; if none is at work, have it run again: runset --reclaim ${this.queue.name}`,
      );
    }
    return unnamed.length > found.length;
  }
}

import { findOrphansNow, nameJobs } from './orphans.js';
import type { Queue } from './queue.js';

/** Possible orphans delay a program's exit by no more than this, in ms. */
const LONGEST_WAIT = 5000;

/** Names orphans, each once. */
export class OrphanWatch {
  private readonly named = new Set<string>();
  /** Since when their owners were absent, by performance.now(). */
  private absent: ReadonlyMap<string, number> | undefined;

  /** @param notice receives a message, and what can be done */
  constructor(
    private readonly queue: Queue,
    private readonly notice: (message: string, hint: string) => void,
  ) {}

  /**
   * Names at once what the first look finds. All else must stay orphaned for a while where presence may return: true asks for another look
   * after that. If that would take long, the `last` look names every job that seems orphaned.
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

import { OrphanWatch } from '../queue/orphan-watch.js';
import { nameLines } from '../queue/orphans.js';
import type { Queue } from '../queue/queue.js';

/** Between two looks for orphans, in ms: the whole queue is read for each. */
const INTERVAL = 5000;

/** What a runner does about jobs whose holder has died: takes them back if it may, else names them. */
export class Orphanage {
  /** When to look next, if there is reason to look again at all. */
  private nextLook = 0;
  private readonly watch: OrphanWatch;

  /** @param tell takes a message and a hint for the user */
  constructor(
    private readonly queue: Queue,
    private readonly mayReclaim: boolean,
    private readonly tell: (message: string, hint?: string) => void,
  ) {
    this.watch = new OrphanWatch(queue, tell);
  }

  /** How long to wait for news before looking again, in ms. */
  get patience(): number | undefined {
    return this.mayReclaim ? INTERVAL : undefined;
  }

  /**
   * Looks: the first and the last time in any case, else not more often than every few seconds. Says whether there are jobs to be
   * taken now that were not there before.
   */
  async look(when: 'first' | 'between' | 'last', signal: AbortSignal): Promise<boolean> {
    if (when === 'between' && performance.now() < this.nextLook) return false;
    this.nextLook = performance.now() + INTERVAL;
    if (!this.mayReclaim) {
      await this.watch.look({ last: when === 'last' });
      return false;
    }
    const jobs = await this.queue.reclaim({ signal, tell: notice => notice.kind === 'news' && this.tell(notice.message, notice.hint) });
    const reclaimed = jobs.map(job => job.number);
    if (reclaimed.length > 0)
      this.tell(`${nameLines(reclaimed)} set back to ".": nobody was running ${reclaimed.length === 1 ? 'it' : 'them'}`);
    return reclaimed.length > 0;
  }
}

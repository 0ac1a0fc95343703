import { OrphanWatch } from '../queue/orphan-watch.js';
import { findOrphans, nameLines } from '../queue/orphans.js';
import type { Queue } from '../queue/queue.js';

/** Between two looks for orphans, in ms: the whole queue is read for each. */
const INTERVAL = 5000;

/** What a runner does about jobs whose holder has died: takes them back if it may, else names them. */
export class Orphanage {
  /** When to look next, if there is reason to look again at all. */
  private nextLook = 0;
  /** What the last look before leaving has found. */
  private isDoubtful = false;
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
   * Looks: the first and the last time in any case, else not more often than every few seconds. `reclaimed`: there are jobs to be
   * taken now that were not there before · `doubtful`: before the last look can be the last it has to be seen whether orphans stay orphans.
   */
  async look(when: 'first' | 'between' | 'last', signal: AbortSignal): Promise<'reclaimed' | 'doubtful' | 'nothing'> {
    const isEarly = performance.now() < this.nextLook;
    if (when === 'between' && isEarly) return 'nothing';
    if (when === 'last' && isEarly && this.isDoubtful) return 'doubtful';
    this.nextLook = performance.now() + INTERVAL;
    const { queue } = this;
    if (!this.mayReclaim) {
      await this.watch.look({ last: when === 'last' });
      return 'nothing';
    }
    const reclaimed = (await queue.reclaim({ signal })).map(job => job.number);
    if (reclaimed.length > 0) {
      this.tell(`${nameLines(reclaimed)} set back to ".": nobody was running ${reclaimed.length === 1 ? 'it' : 'them'}`);
      return 'reclaimed';
    }
    const mayWait = when === 'last' && queue.capabilities.presenceReturns !== undefined;
    this.isDoubtful = mayWait && (await findOrphans(queue)).length > 0;
    return this.isDoubtful ? 'doubtful' : 'nothing';
  }
}

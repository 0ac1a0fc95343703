import { OrphanWatch } from '../../queue/orphan-watch.js';
import { findOrphansNow, nameJobs } from '../../queue/orphans.js';
import type { Queue } from '../../queue/queue.js';

/** Between two looks for orphans, in ms: the whole queue is read for each. */
const INTERVAL = 5000;

/** What a runner does about jobs whose holder has died: takes them back if it may, else names them. */
export class OrphanReclaimer {
  /** When to look next, if there is reason to look again at all. */
  private nextLook = 0;
  /** Whether there may be some that were not named yet. */
  private isUnsure = false;
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

  /** How long to wait for news before looking again, in ms, if there is anything to look for. */
  get patience(): number | undefined {
    return this.mayReclaim || this.isUnsure ? Math.max(0, this.nextLook - performance.now()) + 1 : undefined;
  }

  /**
   * Looks: the first and the last time in any case, else not more often than every few seconds. `reclaimed`: there are jobs to be
   * taken now that were not there before · `doubtful`: before the last look can be the last it has to be seen whether orphans stay orphans.
   */
  async look(when: 'first' | 'between' | 'last', signal: AbortSignal): Promise<'reclaimed' | 'doubtful' | 'nothing'> {
    const isEarly = performance.now() < this.nextLook;
    if (when === 'between' && isEarly) {
      this.isUnsure = true;
      return 'nothing';
    }
    if (when === 'last' && isEarly && this.isDoubtful) return 'doubtful';
    const { presenceReturns = INTERVAL } = this.queue.capabilities;
    const found = this.mayReclaim ? await this.reclaim(when, signal) : await this.name(when);
    this.isDoubtful = found === 'doubtful';
    // From the end of this look on: the next one is to see what lasted.
    this.nextLook = performance.now() + Math.min(INTERVAL, presenceReturns);
    return found;
  }

  private async name(when: 'first' | 'between' | 'last'): Promise<'doubtful' | 'nothing'> {
    this.isUnsure = await this.watch.look({ last: when === 'last' });
    return this.isUnsure && when === 'last' ? 'doubtful' : 'nothing';
  }

  private async reclaim(when: 'first' | 'between' | 'last', signal: AbortSignal): Promise<'reclaimed' | 'doubtful' | 'nothing'> {
    const { queue } = this;
    const reclaimed = await queue.reclaim({ signal });
    if (reclaimed.length > 0) {
      this.tell(`${nameJobs(reclaimed)} set back to ".": nobody was running ${reclaimed.length === 1 ? 'it' : 'them'}`);
      return 'reclaimed';
    }
    if (when !== 'last' || queue.capabilities.presenceReturns === undefined) return 'nothing';
    return (await findOrphansNow(queue))?.length === 0 ? 'nothing' : 'doubtful';
  }
}

import { OrphanWatch } from '../../queue/orphan-watch.js';
import { findOrphansNow, nameJobs } from '../../queue/orphans.js';
import type { Queue } from '../../queue/queue.js';

/** Between two checks for orphans, in ms: each reads the whole queue. */
const INTERVAL = 5000;

/** Handles jobs whose holder has died: reclaims them if allowed, otherwise names them. */
export class OrphanReclaimer {
  /** When to check next, if at all. */
  private nextLook = 0;
  /** Whether some orphans may not have been named yet. */
  private isUnsure = false;
  /** The result of the last check before leaving. */
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

  /** How long to wait for news before the next check, in ms; undefined if there is nothing to check. */
  get patience(): number | undefined {
    return this.mayReclaim || this.isUnsure ? Math.max(0, this.nextLook - performance.now()) + 1 : undefined;
  }

  /**
   * Checks for orphans: always the first and the last time, otherwise only every few seconds. `reclaimed`: new jobs can be claimed ·
   * `doubtful`: before leaving, another check must show whether orphans stay orphans.
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
    // Counted from the end of this check: the next one looks for what lasted.
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

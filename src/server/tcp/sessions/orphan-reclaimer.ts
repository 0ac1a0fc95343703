import { LONGEST_TIMER } from '../../../async/timer.js';
import { reason } from '../../../errors.js';
import { nameJobs } from '../../../queue/orphans.js';
import type { House } from '../house.js';

/** Between two looks for orphans, in ms: the whole queue is read for each. */
const INTERVAL = 5000;

/**
 * Ends the wait for clients that knew this server before it was started, once they have had their grace; and, where it may, sets
 * orphans back from then on.
 */
export class OrphanReclaimer {
  private timer: NodeJS.Timeout | undefined;
  private startedAt = 0;
  private isStopped = false;

  constructor(
    private readonly house: House,
    private readonly options: { readonly grace: number; readonly reclaim: boolean },
  ) {}

  start(): void {
    const { size } = this.house.returning;
    if (size > 0) {
      const seconds = Math.round(this.options.grace / 1000);
      const who =
        size === 1
          ? '1 job is said to run, and nobody is at it: its runner has'
          : `${size} jobs are said to run, and nobody is at them: their runners have`;
      this.house.log.info(`${who} ${seconds} s to come back`);
    }
    this.startedAt = performance.now();
    this.timer = setTimeout(() => void this.endGrace(), Math.min(this.options.grace, LONGEST_TIMER));
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async endGrace(): Promise<void> {
    const { returning, sessions, attention } = this.house;
    const rest = this.options.grace - attention.silenceSince(this.startedAt);
    if (rest > 1) {
      this.timer = setTimeout(() => void this.endGrace(), Math.min(rest, LONGEST_TIMER));
      return;
    }
    await sessions.giveUp(returning.takeRest(), 'runners that have not come back');
    if (this.options.reclaim) this.lookAgain();
  }

  private lookAgain(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.reclaim().finally(() => this.lookAgain()), INTERVAL);
  }

  private async reclaim(): Promise<void> {
    const { queue, bulletin, log } = this.house;
    try {
      const { running, claimed } = await this.house.counting.get();
      if (running + claimed === 0) return;
      const jobs = await queue.reclaim();
      if (jobs.length === 0) return;
      bulletin.note();
      log.warn(`${nameJobs(jobs)} set back to ".": nobody was at work there`);
    } catch (error) {
      log.warn(reason(error));
    }
  }
}

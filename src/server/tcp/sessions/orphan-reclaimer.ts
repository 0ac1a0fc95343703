import { after } from '../../../async/timer.js';
import { reason } from '../../../errors.js';
import type { Counts } from '../../../job/state.js';
import { nameJobs } from '../../../queue/orphans.js';
import type { Queue } from '../../../queue/queue.js';
import type { ServerLog } from '../../log.js';
import type { ChangeNotifier } from '../notification/change-notifier.js';
import type { AbandonedClaims } from './abandoned-claims.js';
import type { ClaimRecovery } from './claim-recovery.js';
import type { StallDetector } from './stall-detector.js';

/** Between two looks for orphans, in ms: each reads the whole queue. */
const INTERVAL = 5000;

/** What a reclaimer works with. */
export interface ReclaimerContext {
  readonly queue: Queue;
  readonly counts: { get(): Promise<Counts> };
  readonly changes: ChangeNotifier;
  readonly recovery: ClaimRecovery;
  readonly abandoned: AbandonedClaims;
  readonly stalls: StallDetector;
  readonly log: ServerLog;
}

/** Ends the grace of clients that knew this server before it was started again and, with `reclaim`, sets orphans back from then on. */
export class OrphanReclaimer {
  private cancel: () => void = () => undefined;
  private startedAt = 0;
  private isStopped = false;

  /** @param options `grace` in ms */
  constructor(
    private readonly context: ReclaimerContext,
    private readonly options: { readonly grace: number; readonly reclaim: boolean },
  ) {}

  start(): void {
    const { size } = this.context.recovery;
    if (size > 0) {
      const seconds = Math.round(this.options.grace / 1000);
      const runners =
        size === 1
          ? '1 job is in state "r" and no runner is present: its runner has'
          : `${size} jobs are in state "r" and no runner is present: their runners have`;
      this.context.log.info(`${runners} ${seconds} s to come back`);
    }
    this.startedAt = performance.now();
    this.cancel = after(this.options.grace, () => void this.endGrace());
  }

  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  private async endGrace(): Promise<void> {
    const { recovery, abandoned, stalls } = this.context;
    const rest = this.options.grace - stalls.silenceSince(this.startedAt);
    if (rest > 1) {
      this.cancel = after(rest, () => void this.endGrace());
      return;
    }
    await abandoned.revoke(recovery.takeRest(), 'runners that have not come back');
    if (this.options.reclaim) this.lookAgain();
  }

  private lookAgain(): void {
    if (this.isStopped) return;
    this.cancel = after(INTERVAL, () => void this.reclaim().finally(() => this.lookAgain()));
  }

  private async reclaim(): Promise<void> {
    const { queue, counts, changes, log } = this.context;
    try {
      const { running, claimed } = await counts.get();
      if (running + claimed === 0) return;
      const jobs = await queue.reclaim();
      if (jobs.length === 0) return;
      changes.note();
      log.warn(`${nameJobs(jobs)} set back to ".": no runner was present`);
    } catch (error) {
      log.warn(reason(error));
    }
  }
}

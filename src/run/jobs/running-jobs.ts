import { Notifier } from '../../async/notifier.js';
import type { Share } from '../../job/needs.js';
import type { Claim } from '../../queue/queue.js';
import type { Resources } from '../resources/resources.js';
import { Slots } from '../resources/slots.js';
import type { Stopping } from '../stopping/stopping.js';

/** A claimed job and the resources it runs with. */
export interface JobInSlot {
  readonly claim: Claim;
  readonly slot: number;
  readonly share: Share;
  /** Where it already runs: an earlier runner started it. */
  readonly handle: string | undefined;
  /** Releases slot and share, before the job's result is recorded. */
  free(): void;
  /** Called when the job has started. */
  begin(): void;
}

/** The running jobs of a runner, each with a slot and its share of the resources. */
export class RunningJobs {
  /** Notified when a job releases its slot, and when it has finished for good. */
  readonly ended = new Notifier();
  /** Notified when a job has started or ended. */
  private readonly started = new Notifier();
  readonly slots: Slots;
  private readonly running = new Set<Promise<void>>();
  /** The last job of each slot. */
  private readonly lastIn = new Map<number, Promise<void>>();
  /** How many jobs in `running` have started. */
  private begun = 0;

  /**
   * @param run runs a job and records its result
   * @param fail called when the queue cannot be written or the executor accepts no jobs
   */
  constructor(
    size: number,
    private readonly resources: Resources,
    private readonly stopping: Stopping,
    private readonly run: (job: JobInSlot) => Promise<void>,
    private readonly fail: (error: unknown) => void,
  ) {
    this.slots = new Slots(size);
  }

  /** How many have not ended or are not recorded yet. */
  get size(): number {
    return this.running.size;
  }

  /** Settles when all have ended. */
  async allEnded(): Promise<void> {
    await Promise.all(this.running);
  }

  /** Settles when all have started, or when the runner is to stop. */
  async allBegun(): Promise<void> {
    while (this.begun < this.running.size && !this.stopping.draining.aborted) await this.started.next();
  }

  /** @param slot a slot already taken · @param handle where the job already runs */
  launch(slot: number, claim: Claim, handle?: string): void {
    const share = this.shareFor(claim, handle);
    let held = true;
    const free = (): void => {
      if (!held) return;
      held = false;
      this.resources.give(share);
      this.slots.give(slot);
      this.ended.notify();
    };
    let hasBegun = false;
    const begin = (): void => {
      if (hasBegun) return;
      hasBegun = true;
      this.begun++;
      this.started.notify();
    };
    // A slot is free before its last job's state is written; its events stay in order nevertheless.
    const told = this.lastIn.get(slot) ?? Promise.resolve();
    const running = told
      .then(() => {
        const isTooLate = this.stopping.draining.aborted && handle === undefined;
        return isTooLate ? this.giveBack(claim) : this.run({ claim, slot, share, handle, free, begin });
      })
      .catch(this.fail)
      .finally(() => {
        free();
        if (hasBegun) this.begun--;
        this.running.delete(running);
        this.ended.notify();
        this.started.notify();
      });
    this.running.add(running);
    this.lastIn.set(slot, running);
  }

  /** The job's resources: what a scheduler granted or the job already holds, even if it does not fit here; otherwise what is free. */
  private shareFor(claim: Claim, handle: string | undefined): Share {
    const { needs } = claim.job.directives;
    if (claim.share) return this.resources.hold(claim.share);
    const share = this.resources.take(needs);
    if (share !== undefined) return share;
    if (handle === undefined) throw new Error(`job ${claim.job.id} was claimed but does not fit`);
    return this.resources.hold({ needs, gpus: [] });
  }

  /** The runner was told to stop claiming during this claim. */
  private async giveBack(claim: Claim): Promise<void> {
    await this.stopping.orGiveUp<unknown>(claim.release({ unrun: true }), undefined);
  }
}

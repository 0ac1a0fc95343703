import { LONGEST_TIMER } from '../../../async/timer.js';
import { reason } from '../../../errors.js';
import { formatDuration } from '../../../job/duration.js';
import type { BranchStore } from '../branch/branch-store.js';
import { GitFailure } from '../plumbing/failure.js';
import type { RefChange } from '../plumbing/remote.js';
import { beatOf, printLease } from './lease.js';

/** Renewals per duration of a lease. */
const BEATS = 4;
/** Longest pause, in ms, before a failed renewal is tried again, so that a remote that is soon back sees it. */
const RETRY = 5000;

/**
 * Renews this runner's lease for as long as there are claims, by separate pushes to a ref that nothing else changes: they neither wait for
 * other pushes, however long those take, nor delay them.
 */
export class Heartbeat {
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private wanted = false;
  private beats = 0;
  /** Whether one has landed. */
  private shows = false;
  /** How many in a row have failed. */
  private failed = 0;
  private told = false;

  /** @param leaseRef the ref of the lease · @param lease how long it holds, in ms · @param host its name · @param tell says that it may run out */
  constructor(
    private readonly store: BranchStore,
    private readonly leaseRef: string,
    private readonly lease: number,
    private readonly host: string,
    private readonly tell: (message: string, hint: string) => void,
  ) {}

  /** Starts renewing. */
  begin(): void {
    if (this.wanted) return;
    this.wanted = true;
    // One in progress continues by itself.
    if (this.beating === undefined) this.wait(this.lease / BEATS);
  }

  pause(): void {
    this.wanted = false;
    clearTimeout(this.timer);
  }

  /** Stops renewing. Once none is in progress, returns the changes that remove its ref, if there is one. */
  async end(): Promise<RefChange[]> {
    this.pause();
    await this.beating;
    return !this.shows ? [] : [{ ref: beatOf(this.leaseRef), commit: undefined, own: true }];
  }

  private wait(ms: number): void {
    this.timer = setTimeout(
      () => {
        const began = performance.now();
        this.beating = this.beat().then(done => {
          this.beating = undefined;
          if (!this.wanted) return;
          const interval = this.lease / BEATS;
          // Measured from its start: a long one does not delay the next.
          this.wait(done ? Math.max(began + interval - performance.now(), 0) : Math.min(RETRY, interval));
        });
      },
      Math.min(ms, LONGEST_TIMER),
    ).unref();
  }

  private async beat(): Promise<boolean> {
    const { author, remote, title } = this.store;
    const message = printLease(`runmaker ${this.host}: is alive`, { queue: title, duration: this.lease, rows: [] }, ++this.beats);
    try {
      const [commit] = await remote.commit([{ message }], author, 'beat-');
      // A hanging connection must not keep the next one from being tried; one to a slow remote may take nearly as long as the lease holds.
      const pushed = await remote.push([{ ref: beatOf(this.leaseRef), commit, own: true }], { silence: this.lease });
      if (pushed.kind === 'beaten') throw pushed.failure;
    } catch (error) {
      this.complain(error);
      return false;
    }
    this.shows = true;
    this.failed = 0;
    this.told = false;
    return true;
  }

  /** Reports once, until one lands again, that none does. A single one may fail for a moment. */
  private complain(error: unknown): void {
    this.failed++;
    const isLasting = this.failed > 1 || (error instanceof GitFailure && error.needsSomebody);
    if (!isLasting || this.told || !this.wanted) return;
    this.told = true;
    this.tell(
      `the lease of the jobs that run here cannot be renewed: ${reason(error)}`,
      `they run on; if that lasts for ${formatDuration(this.lease)}, others may take them for orphans, and run them again`,
    );
  }
}

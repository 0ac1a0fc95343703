/** After this many of our locks, a worker not seen meanwhile counts as gone. */
const FORGOTTEN = 16;
/** The longest pause, in ms. */
const LONGEST = 15_000;
/**
 * The lock is left to each of the others for this many times as long as we had it. Workers of Distribute double their pause after each try
 * and finally give up: they must find the lock free most of the time.
 */
const SHARE = { ours: 1, theirs: 3 };

/** Leaves the lock to other workers for a while after each use: the worker that releases it would be the first to see it free. */
export class LockTurns {
  /** How many locks of ours have passed since others were seen to commit, by their names. */
  private readonly others = new Map<string, { readonly share: number; locks: number }>();
  private nextAt = 0;

  /** Another worker has committed. @param isOurs whether it is one of this program */
  saw(name: string, isOurs: boolean): void {
    this.others.set(name, { share: isOurs ? SHARE.ours : SHARE.theirs, locks: 0 });
  }

  /** We had the lock. @param duration in ms */
  held(duration: number): void {
    let shares = 0;
    for (const [name, other] of this.others) {
      if (other.locks++ >= FORGOTTEN) this.others.delete(name);
      else shares += other.share;
    }
    this.nextAt = performance.now() + Math.min(duration * shares * (0.75 + Math.random() / 2), LONGEST);
  }

  /** How long to wait before the next lock, in ms. */
  get pause(): number {
    return Math.max(this.nextAt - performance.now(), 0);
  }
}

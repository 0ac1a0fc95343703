/** The detector looks at the clock this many times per longest gap. */
const LOOKS = 4;

/**
 * Detects that the server itself did not run for a while: the process was stopped, or the machine was paused. It could hear no client then,
 * and its timers expire before it reads what has come meanwhile: silence in such a gap does not count.
 */
export class StallDetector {
  private lastLook = performance.now();
  private runsSince = this.lastLook;
  private readonly ticker: NodeJS.Timeout;

  /** @param longestGap in ms; a longer one was a stall */
  constructor(private readonly longestGap: number) {
    this.ticker = setInterval(() => void this.look(), longestGap / LOOKS).unref();
  }

  /** For how long, in ms, a client has been silent that the server could have heard. */
  silenceSince(heardAt: number): number {
    return performance.now() - Math.max(heardAt, this.look());
  }

  close(): void {
    clearInterval(this.ticker);
  }

  /** Returns when the last stall was over. Notices one that is over just now: any timer may come before the ticker. */
  private look(): number {
    const now = performance.now();
    if (now - this.lastLook > this.longestGap) this.runsSince = now;
    this.lastLook = now;
    return this.runsSince;
  }
}

/** How often, as a share of the longest gap, it is noted that we are there. */
const TICKS = 4;

/**
 * Knows whether the server itself was able to listen. A process that was stopped, or whose machine was paused, has heard nobody
 * meanwhile, and its timers are through before it reads what has come: silence in such a gap is no client's.
 */
export class StallDetector {
  private lastSeen = performance.now();
  private since = this.lastSeen;
  private readonly ticker: NodeJS.Timeout;

  /** @param longestGap in ms; what is longer counts as a time in which nobody could be heard */
  constructor(private readonly longestGap: number) {
    this.ticker = setInterval(() => void this.look(), longestGap / TICKS).unref();
  }

  /** For how long, in ms, somebody has been silent whom we could have heard. */
  silenceSince(heardAt: number): number {
    return performance.now() - Math.max(heardAt, this.look());
  }

  close(): void {
    clearInterval(this.ticker);
  }

  /** Returns when the last gap was over. Notices one that is over just now: any timer may come before the ticker. */
  private look(): number {
    const now = performance.now();
    if (now - this.lastSeen > this.longestGap) this.since = now;
    this.lastSeen = now;
    return this.since;
  }
}

/**
 * Knows when to try again what could not be had, although nobody changes the file: a lock that was in the way is given up
 * without leaving a trace.
 */
export class RetryTimer {
  private due = Number.POSITIVE_INFINITY;
  /** How often it was time so far. */
  count = 0;

  /** Asks for another try in so many ms, or sooner if somebody else wants one sooner. */
  set(ms: number): void {
    this.due = Math.min(this.due, performance.now() + ms);
  }

  /** Counts if it is time. All who asked are reminded together. */
  look(): void {
    if (performance.now() < this.due) return;
    this.due = Number.POSITIVE_INFINITY;
    this.count++;
  }
}

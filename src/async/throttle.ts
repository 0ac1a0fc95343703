/** In ms. The costliest local work takes seconds. */
const LONGEST = 60_000;

/** Limits costly, recurring work to a small share of the time. */
export class Throttle {
  private until = 0;

  /**
   * @param factor rest = this factor times the duration of the work
   * @param longest the longest rest, in ms: work that a slow server or a stop signal held up took long, but cost little
   */
  constructor(
    private readonly factor: number,
    private readonly longest = LONGEST,
  ) {}

  /** Remaining rest in ms; 0 or less when it is over. */
  get left(): number {
    return this.until - performance.now();
  }

  /** Starts a rest: the work has just ended. @param began when it began, by performance.now() */
  ended(began: number): void {
    const now = performance.now();
    this.until = now + Math.min(this.factor * (now - began), this.longest);
  }
}

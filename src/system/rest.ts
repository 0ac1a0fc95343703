/** In ms. The costliest local work takes seconds. */
const LONGEST = 60_000;

/** Keeps costly work that is asked for again and again to a small share of the time. */
export class Rest {
  private until = 0;

  /**
   * @param times how many times as long as the work took something else is to be done after it
   * @param longest but no longer than this, in ms: work that a server has held up, or a stop signal, was long and not dear
   */
  constructor(
    private readonly times: number,
    private readonly longest = LONGEST,
  ) {}

  /** How long to rest from now on, in ms; 0 or less: it is over. */
  get left(): number {
    return this.until - performance.now();
  }

  /** The work has just ended. @param began when, by performance.now() */
  after(began: number): void {
    const now = performance.now();
    this.until = now + Math.min(this.times * (now - began), this.longest);
  }
}

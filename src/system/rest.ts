/**
 * The longest rest, in ms. Work that took longer than its share of this was not dear but held up, by a server that did not
 * answer, say: nobody is to wait ten times as long as the server was away.
 */
const LONGEST = 5000;

/** Keeps costly work that is asked for again and again to a small share of the time. */
export class Rest {
  private until = 0;

  /** @param times how many times as long as the work took something else is to be done after it */
  constructor(private readonly times: number) {}

  /** How long to rest from now on, in ms; 0 or less: it is over. */
  get left(): number {
    return this.until - performance.now();
  }

  /** The work has just ended. @param began when, by performance.now() */
  after(began: number): void {
    const now = performance.now();
    this.until = now + Math.min(this.times * (now - began), LONGEST);
  }
}

/** The wait after the first wrong token, in ms; doubled with each further one, up to the longest. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 8000;
/** An address without failures for so long, in ms, starts anew. */
const FORGET = 60_000;
/** Addresses that are remembered; those that failed longest ago are dropped first. */
const MOST_ADDRESSES = 10_000;

/** How long an address has to wait before it is heard, for the wrong tokens that came from it. */
export class FailureBackoff {
  private readonly failures = new Map<string, { count: number; at: number }>();

  /** @param now a clock in ms */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** In ms; 0 for most. */
  waitOf(address: string): number {
    const count = this.countOf(address);
    return count === 0 ? 0 : Math.min(FIRST_WAIT * 2 ** (count - 1), LONGEST_WAIT);
  }

  /** Notes a failure, and returns how many there were. */
  failed(address: string): number {
    const count = this.countOf(address) + 1;
    // Put in anew, so that the map keeps the order of the last failures.
    this.failures.delete(address);
    this.failures.set(address, { count, at: this.now() });
    const [oldest] = this.failures.keys();
    if (this.failures.size > MOST_ADDRESSES && oldest !== undefined) this.failures.delete(oldest);
    return count;
  }

  succeeded(address: string): void {
    this.failures.delete(address);
  }

  private countOf(address: string): number {
    const failure = this.failures.get(address);
    return failure === undefined || this.now() - failure.at > FORGET ? 0 : failure.count;
  }
}

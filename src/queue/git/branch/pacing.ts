/** How many commits a runner makes in a row, and in how many ms: handing over after each one costs a lost race and a fetch. */
const BURST = { commits: 4, time: 1000 };
/** After this many commits of this runner, another one that has not committed meanwhile counts as gone. */
const FORGOTTEN = 32;
/** The longest pause, in ms. */
const LONGEST = 10_000;

/**
 * Shares the branch fairly between runners. A runner whose push has landed is the only one that knows the branch's last commit: without a
 * pause it would win every race. So its claims use a budget of time that fills at its fair share; once the budget is used up, it claims no
 * more until it is full again.
 */
export class Pacing {
  /** By name: how many commits of this runner have landed since the other one last committed. */
  private readonly others = new Map<string, number>();
  /** The used part of the budget, in ms, and the time of that measurement. */
  private used = 0;
  private at: number;
  private nextAt = Number.NEGATIVE_INFINITY;

  /** @param random from 0 up to, not including, 1 · @param now by a clock that never jumps, in ms */
  constructor(
    private readonly random: () => number = Math.random,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.at = now();
  }

  /** Notes that others have committed. */
  saw(names: Iterable<string>): void {
    for (const name of names) this.others.set(name, 0);
  }

  /** A commit of this runner has landed. @param turn how long it took, in ms */
  landed(turn: number): void {
    const now = this.now();
    const runners = this.others.size + 1;
    this.used = Math.max(this.used - (now - this.at) / runners, 0) + turn;
    this.at = now;
    for (const [name, count] of this.others) {
      if (count >= FORGOTTEN) this.others.delete(name);
      else this.others.set(name, count + 1);
    }
    const budget = turn * Math.max(Math.min(BURST.commits, Math.floor(BURST.time / turn)), 1);
    if (runners === 1 || this.used < budget) return;
    // Randomness keeps runners from pausing, and returning, all at once.
    this.nextAt = now + Math.min(this.used * (runners - 1) * (0.25 + this.random() / 2), LONGEST);
    this.used = 0;
  }

  /** How long to wait before the next claim, in ms. */
  get pause(): number {
    return Math.max(this.nextAt - this.now(), 0);
  }
}

import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../../errors.js';
import { formatDuration } from '../../../job/duration.js';
import { explainFailure, GitFailure } from '../plumbing/failure.js';
import type { BranchStore } from './branch-store.js';

/** Between two tries while something is wrong, in ms. */
const FIRST_PAUSE = 100;
export const LONGEST_PAUSE = 5000;

/** So long, in ms, others may be about to change what has not changed yet: they hold a lock while they do. */
const LONGEST_RACE = 3000;

/** Bears what may pass, for as long as there is patience: a remote that cannot be reached, a file that somebody has broken. */
export class RetryPolicy {
  private since: number | undefined;
  private stuck: { readonly version: number; readonly since: number } | undefined;
  private pause = FIRST_PAUSE;

  /** @param patience in ms · @param tell says once that something is borne */
  constructor(
    private readonly ledger: BranchStore,
    private readonly patience: number,
    private readonly tell: (message: string, hint: string) => void,
  ) {}

  /**
   * Somebody was faster, as it seems. While the queue stays at the same version after that, nobody was: something is in the way, such as a
   * lock that a git has left which was killed.
   * @throws what git said, for `bear`, once that has lasted
   */
  concede(failure: GitFailure, version: number): void {
    const now = performance.now();
    if (this.stuck?.version !== version) {
      this.stuck = { version, since: now };
      this.since = undefined;
    } else if (now - this.stuck.since > LONGEST_RACE) throw failure;
  }

  /**
   * Waits a little after something went wrong.
   * @param precious whether it has to be done in the end, also when somebody has to help first
   * @throws what went wrong, when it will not pass or has lasted too long
   */
  async bear(error: unknown, precious: boolean): Promise<void> {
    const now = performance.now();
    this.since ??= now;
    const known = error instanceof GitFailure ? explainFailure(error, this.ledger.remote.url, true) : error;
    const passes = error instanceof GitFailure || error === this.ledger.now.problem;
    const hopeless = error instanceof GitFailure && error.needsSomebody && !precious;
    if (!passes || hopeless || now - this.since + this.pause > this.patience) throw known;
    if (this.pause === FIRST_PAUSE && known instanceof RunmakerError) {
      this.tell(`${known.message}; trying on for ${formatDuration(this.patience)}`, known.hint ?? 'jobs run on meanwhile');
    }
    await setTimeout(this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }
}

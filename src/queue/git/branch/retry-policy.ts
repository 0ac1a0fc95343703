import { setTimeout } from 'node:timers/promises';
import { Backoff } from '../../../async/backoff.js';
import { RunmakerError } from '../../../errors.js';
import { formatDuration } from '../../../job/duration.js';
import { explainFailure, GitFailure } from '../plumbing/failure.js';
import type { BranchStore } from './branch-store.js';

/** Between two attempts while something is wrong, in ms. */
const PAUSES = { first: 100, longest: 5000 };

/** How long, in ms, a push may be refused although the branch does not change: another git process holds a lock during its change. */
const LONGEST_RACE = 3000;

/** After a lost race, the pause is a random part of up to this many times the duration of a push. */
const MOST_TURNS = 16;

/** Retries, within its patience, failures that may pass by themselves: an unreachable remote, an unreadable file. */
export class RetryPolicy {
  /** How many races with other runners were lost. */
  races = 0;
  private since: number | undefined;
  private stuck: { readonly version: number; readonly since: number } | undefined;
  private readonly backoff = new Backoff(PAUSES);

  /** @param patience in ms · @param tell reports once that an operation is being retried */
  constructor(
    private readonly store: BranchStore,
    private readonly patience: number,
    private readonly tell: (message: string, hint: string) => void,
  ) {}

  /**
   * Waits after a push that was refused as if another runner had been faster. If the branch then stays at the same version, none was:
   * something is in the way, such as a lock left by a killed git process.
   * @param turn how long the push took, in ms
   * @throws `failure`, for `afterFailure`, once that has lasted
   */
  async lostRace(failure: GitFailure, version: number, turn: number): Promise<void> {
    const now = performance.now();
    if (this.stuck?.version !== version) {
      this.stuck = { version, since: now };
      this.since = undefined;
    } else if (now - this.stuck.since > LONGEST_RACE) throw failure;
    this.races++;
    await setTimeout(Math.random() * Math.min(turn * Math.min(2 ** (this.races + 1), MOST_TURNS), PAUSES.longest));
  }

  /**
   * Waits before the next attempt.
   * @param endsClaim whether a result would be lost: then failures that need a person are retried as well
   * @throws the failure, when it is permanent or has lasted too long
   */
  async afterFailure(error: unknown, endsClaim: boolean): Promise<void> {
    const now = performance.now();
    this.since ??= now;
    const isFirst = this.backoff.isFresh;
    const explained = error instanceof GitFailure ? explainFailure(error, this.store.remote.url, true) : error;
    const mayPass = error instanceof GitFailure || error === this.store.now.problem;
    const hopeless = error instanceof GitFailure && error.needsSomebody && !endsClaim;
    if (!mayPass || hopeless || now - this.since + this.backoff.next > this.patience) throw explained;
    if (isFirst && explained instanceof RunmakerError) {
      this.tell(`${explained.message}; trying on for ${formatDuration(this.patience)}`, explained.hint ?? 'jobs run on meanwhile');
    }
    await this.backoff.wait();
  }
}

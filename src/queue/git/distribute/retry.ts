import { setTimeout } from 'node:timers/promises';
import { explainFailure, GitFailure } from '../plumbing/failure.js';

/** Between two tries, in ms, at first and at most. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/** Retry at one thing on a remote, for as long as there is patience. */
export class Retry {
  private readonly end: number;
  private pause = FIRST_PAUSE;

  /** @param url of the remote, for messages · @param patience in ms */
  constructor(
    private readonly url: string,
    patience: number,
  ) {
    this.end = performance.now() + patience;
  }

  /** Whether there was time enough. */
  get over(): boolean {
    return performance.now() >= this.end;
  }

  /** Waits a little before the next try, longer each time. */
  async rest(): Promise<void> {
    await setTimeout(this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  /**
   * The same after a try that has failed.
   * @throws what went wrong, as a RunmakerError if it is git that failed, when it does not pass or there was time enough
   */
  async bear(error: unknown): Promise<void> {
    if (!(error instanceof GitFailure)) throw error;
    // The remote was found before: what is missing now may be back.
    if (error.needsSomebody || this.over) throw explainFailure(error, this.url, true);
    await this.rest();
  }

  /** Retry until it succeeds. @throws as `bear` does */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        await this.bear(error);
      }
    }
  }
}

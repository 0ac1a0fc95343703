import { Backoff } from '../../../async/backoff.js';
import { explainFailure, GitFailure } from '../plumbing/failure.js';

/** Between two attempts, in ms. */
const PAUSES = { first: 50, longest: 2000 };

/** Retries one operation on a remote within its patience. */
export class Retry {
  private readonly end: number;
  private readonly backoff = new Backoff(PAUSES);

  /** @param url of the remote, for messages · @param patience in ms */
  constructor(
    private readonly url: string,
    patience: number,
  ) {
    this.end = performance.now() + patience;
  }

  /** Whether patience is over. */
  get over(): boolean {
    return performance.now() >= this.end;
  }

  /** Pauses before the next attempt, longer each time. */
  async rest(): Promise<void> {
    await this.backoff.wait();
  }

  /**
   * Pauses after a failed attempt.
   * @throws the failure, as a RunmakerError if git failed, when it does not pass by itself or patience is over
   */
  async afterFailure(error: unknown): Promise<void> {
    if (!(error instanceof GitFailure)) throw error;
    // The remote was found before, so a missing one may come back.
    if (error.needsSomebody || this.over) throw explainFailure(error, this.url, true);
    await this.rest();
  }

  /** Retry until it succeeds. @throws as `afterFailure` does */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        await this.afterFailure(error);
      }
    }
  }
}

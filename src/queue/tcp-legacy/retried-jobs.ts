import { commandDigest } from '../../job/command-digest.js';
import type { FinalState } from '../../job/state.js';
import { State } from '../../job/state.js';

/** A job from the server. */
export interface GivenJob {
  readonly number: number;
  readonly command: Buffer;
}

/**
 * A runmaker4 server that retries failed jobs hands out the first of them again and again. A job that failed here is set aside, in state
 * `r` on the server, so that the server hands out the others; when it has no more, those set aside get their state back.
 */
export class RetriedJobs {
  private readonly failed = new Map<string, FinalState>();
  private readonly aside = new Map<number, FinalState>();

  /** A job has ended here. */
  note(job: GivenJob, state: FinalState): void {
    if (state === State.done) this.failed.delete(keyOf(job));
    else this.failed.set(keyOf(job), state);
  }

  hasFailed(job: GivenJob): boolean {
    return this.failed.has(keyOf(job));
  }

  /** Sets a job aside that has failed here. False if it is set aside already: the server repeats itself. */
  setAside(job: GivenJob): boolean {
    if (this.aside.has(job.number)) return false;
    this.aside.set(job.number, this.failed.get(keyOf(job)) ?? State.failed);
    return true;
  }

  /** Removes and returns what was set aside: numbers and states. */
  takeAside(): [number, FinalState][] {
    const all = [...this.aside];
    this.aside.clear();
    return all;
  }
}

/** Numbers alone may change their meaning when the file is edited. */
function keyOf({ number, command }: GivenJob): string {
  return `${number} ${commandDigest(command)}`;
}

import { commandDigest } from '../../job/command-digest.js';
import type { FinalState } from '../../job/state.js';
import { State } from '../../job/state.js';

/** A job as the server gives it out. */
export interface GivenJob {
  readonly number: number;
  readonly command: Buffer;
}

/**
 * A server of runmaker4 that retries failed jobs gives out the first of them again and again. A job that has failed here is set aside, in
 * state `r` on the server, so that the server gives out the others; when it has no more, what was set aside gets its state back.
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

  /** Sets a job aside that has failed here. False when it is set aside already: the server gives out what it has given out. */
  setAside(job: GivenJob): boolean {
    if (this.aside.has(job.number)) return false;
    this.aside.set(job.number, this.failed.get(keyOf(job)) ?? State.failed);
    return true;
  }

  /** Takes out what was set aside: numbers and states. */
  takeAside(): [number, FinalState][] {
    const all = [...this.aside];
    this.aside.clear();
    return all;
  }
}

/** Numbers alone may come to mean something else when the file is edited. */
function keyOf({ number, command }: GivenJob): string {
  return `${number} ${commandDigest(command)}`;
}

import type { LegacyState } from '../../compat/runmaker4/plain-protocol.js';
import { NO_DIRECTIVES, parseDirectives } from '../../job/directives.js';
import type { LineJob } from '../../job/job.js';
import type { JobOutcome } from '../../job/outcome.js';
import { type FinalState, State } from '../../job/state.js';
import type { Claim, FinishResult } from '../queue.js';
import type { GivenJob } from './retried-jobs.js';

/** What a claim needs from its queue. */
export interface ClaimReporter {
  /** Reports the state of a job. False when the server does not accept it. */
  report(number: number, state: LegacyState): Promise<boolean>;
  /** A job has ended. */
  ended(job: GivenJob, state: FinalState): void;
}

/** A job of a server of runmaker4. */
export class LegacyClaim implements Claim {
  readonly job: LineJob;
  private isConcluded = false;

  constructor(
    private readonly reporter: ClaimReporter,
    private readonly given: GivenJob,
  ) {
    this.job = jobOf(given);
  }

  async finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    if (this.isConcluded) return { kind: 'refused', reason: 'the claim was given up before' };
    this.isConcluded = true;
    // Before the report: the server may hand the job out again at once.
    this.reporter.ended(this.given, state);
    if (await this.reporter.report(this.given.number, state)) return { kind: 'recorded' };
    return { kind: 'refused', reason: 'the server did not take it: the job was set by another runner, or its line was changed' };
  }

  async release(): Promise<FinishResult> {
    const result = await this.finish({ state: State.error });
    if (result.kind === 'refused') return result;
    return { kind: 'refused', reason: 'a server of runmaker4 takes no job back: it was set to "e"' };
  }
}

/** Ignores the job's needs: so did the server, and the job is claimed already. */
function jobOf({ number, command }: GivenJob): LineJob {
  const { directives } = parseDirectives(command);
  const place = { id: String(number), number, ordinal: number, offset: 0 };
  return { ...place, state: State.new, command, directives: { ...directives, needs: NO_DIRECTIVES.needs } };
}

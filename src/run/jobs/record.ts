import { after } from '../../async/timer.js';
import { RunmakerError } from '../../errors.js';
import type { JobOutcome } from '../../job/outcome.js';
import { type FinalState, State } from '../../job/state.js';
import type { Claim, FinishResult } from '../../queue/queue.js';
import type { Stopping } from '../stopping/stopping.js';

/** A write that takes this long, in ms, is reported: short outages of a server may well go unnoticed. */
const LONG = 30_000;

/** How a job has ended; `.`: it is put back. */
export type RecordedOutcome = Omit<JobOutcome, 'state'> & { readonly state: FinalState | typeof State.new };

/** The result of writing a job's final state. `failure`: the queue failed, and later writes may fail too. */
export type Recorded = FinishResult & { readonly failure?: RunmakerError };

/**
 * Writes a job's final state and releases the claim. A failing queue does not hide the job's outcome: its result then counts as refused, as
 * it does when the runner was told to end at once and cannot reach the queue.
 * @param slow called when it takes long
 */
export async function record(claim: Claim, outcome: RecordedOutcome, stopping: Stopping, slow: () => void): Promise<Recorded> {
  const { state } = outcome;
  const writing = state === State.new ? claim.release() : claim.finish({ ...outcome, state });
  const callOff = after(LONG, slow);
  try {
    return await stopping.orGiveUp(writing, {
      kind: 'refused',
      reason: 'the queue could not be reached, and the runner was told to end at once',
    });
  } catch (error) {
    if (!(error instanceof RunmakerError)) throw error;
    return { kind: 'refused', reason: error.message, failure: error };
  } finally {
    callOff();
  }
}

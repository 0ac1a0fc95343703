import { after } from '../../async/timer.js';
import { RunmakerError } from '../../errors.js';
import type { JobOutcome } from '../../job/outcome.js';
import { type FinalState, State } from '../../job/state.js';
import type { Claim, FinishResult } from '../../queue/queue.js';
import type { Stopping } from '../stopping/stopping.js';

/** Writing that takes so long, in ms, is told: a server may well be away for a while without anybody noticing. */
const LONG = 30_000;

/** How a job has ended; `.`: it is put back. */
export type RecordedOutcome = Omit<JobOutcome, 'state'> & { readonly state: FinalState | typeof State.new };

/** What became of a job's final state. `failure`: the queue failed, and nobody knows what will become of the next one. */
export type Recorded = FinishResult & { readonly failure?: RunmakerError };

/**
 * Writes a job's final state, and gives the claim up. A queue that fails is no reason to say nothing about the job: its result
 * is refused then, as it is when the runner was told to end at once and the queue cannot be reached.
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

/** The callers' changes: each function applies one request to a transaction. */
import type { Job } from '../../../job/job.js';
import { less } from '../../../job/needs.js';
import { pick } from '../../../job/readiness.js';
import { jobMatcher, type Selection } from '../../../job/selection.js';
import { type FinalState, State } from '../../../job/state.js';
import { refuseUnsettable, refuseUnwritable } from '../../commands.js';
import type { ClaimRequest, FinishResult, SetResult } from '../../queue.js';
import type { Result } from '../checkouts/results.js';
import { isInHand } from '../leases/lease.js';
import type { OwnedClaim } from '../leases/owned-claims.js';
import { RECLAIMED, verbFor } from './commit-message.js';
import type { Transaction } from './transaction.js';

/** The claimed jobs, or why there are none. */
export type ClaimedJobs = readonly OwnedClaim[] | Exclude<ReturnType<typeof pick>, { kind: 'ready' }>;

/** Claims the jobs that are ready, up to the number of the runner's free slots. */
export function claimJobs(transaction: Transaction, request: ClaimRequest): ClaimedJobs {
  const claimed: OwnedClaim[] = [];
  let free = request.free;
  for (let slots = request.slots ?? 1; slots > 0; slots--) {
    const next = pick(transaction.table, { ...request, free }, transaction.justEnded);
    if (next.kind !== 'ready') return claimed.length > 0 ? claimed : next;
    const claim = transaction.claim(next.line);
    claimed.push(claim);
    free = free && less(free, claim.job.directives.needs);
  }
  return claimed;
}

/** How a claim ends. */
export interface Ending {
  readonly state: FinalState | typeof State.new;
  /** The verb for the message; the state's own when absent. */
  readonly verb?: string;
  /** A line for the message by which runners count attempts. */
  readonly trailer?: string | undefined;
  readonly results?: readonly Result[] | undefined;
}

/** Writes the final state of a claimed job, unless the claim was lost meanwhile. */
export function endClaim(transaction: Transaction, claim: OwnedClaim, ending: Ending): FinishResult {
  const { standing } = claim;
  if (standing.kind === 'lost') return { kind: 'refused', reason: standing.reason };
  const { state, verb = verbFor(state), trailer, results = [] } = ending;
  transaction.end(claim, standing.row.number, state, verb);
  if (results.length > 0) transaction.results.push({ job: standing.row.number, results });
  if (trailer !== undefined) transaction.addTrailer(trailer);
  return { kind: 'recorded' };
}

export function appendJobs(transaction: Transaction, commands: readonly Buffer[], state: State): void {
  refuseUnsettable(state);
  for (const command of commands) refuseUnwritable(command);
  // Refuses a command that the format cannot hold now, so that only its own request fails.
  transaction.document.withJobs([{ commands, state }]);
  transaction.append(commands, state);
}

export function setStates(transaction: Transaction, selection: Selection, state: State, force: boolean): SetResult {
  refuseUnsettable(state);
  const { document, leases } = transaction;
  const chosen = document.jobs.filter(jobMatcher(selection));
  const running: Job[] = [];
  let changed = 0;
  // Refuses a state that the format has no word for.
  document.withStates(new Map(chosen.slice(0, 1).map(({ number }) => [number, state])));
  for (const job of chosen) {
    if (job.state === state) continue;
    if (!force && isInHand(job.state) && leases.present.has(job.number)) {
      running.push({ ...job, holder: 'present' });
      continue;
    }
    transaction.set(job.number, state, `set to "${state}"`);
    changed++;
  }
  return { matched: chosen.length, changed, running };
}

/** Sets orphans back to `.`, and removes the expired leases. */
export function reclaimJobs(transaction: Transaction): readonly Job[] {
  const { document, leases } = transaction;
  const orphans = document.jobs.filter(job => isInHand(job.state) && !leases.present.has(job.number));
  for (const { number } of orphans) transaction.set(number, State.new, RECLAIMED);
  transaction.removedLeases.push(...leases.expired);
  return orphans;
}

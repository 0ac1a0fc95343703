import type { Job } from '../../../job/job.js';
import { less } from '../../../job/needs.js';
import { pick } from '../../../job/readiness.js';
import { jobMatcher, type Selection } from '../../../job/selection.js';
import { type FinalState, State } from '../../../job/state.js';
import { refuseUnsettable, refuseUnwritable } from '../../commands.js';
import type { ClaimRequest, SetResult } from '../../queue.js';
import type { Result } from '../checkouts/results.js';
import type { DocumentJob } from '../documents/document.js';
import { isInHand } from '../leases/lease.js';
import { type HeldRow, Rows } from '../leases/row-tracking.js';
import { deedOf, RECLAIMED, type Transaction } from './transaction.js';

/** A job that is to be ours, and where it stands. */
export interface Picked {
  readonly job: DocumentJob;
  readonly row: HeldRow;
}

/** What came of asking for jobs. */
export type Picking = readonly Picked[] | Exclude<ReturnType<typeof pick>, { kind: 'ready' }>;

/** Takes the jobs that are ready, up to so many as the asker has slots. */
export function claimJobs(draft: Transaction, request: ClaimRequest): Picking {
  const picked: Picked[] = [];
  const rows = new Rows(draft.document);
  let free = request.free;
  for (let slots = request.slots ?? 1; slots > 0; slots--) {
    // What goes back in this commit is taken in the next at the earliest: the history is to show both.
    const next = pick(draft.table, { ...request, free }, draft.left);
    if (next.kind !== 'ready') return picked.length > 0 ? picked : next;
    const job = draft.jobAt(next.line);
    const row = rows.rowOf(job);
    draft.set(next.line, State.running, 'started');
    draft.taken.push(row);
    picked.push({ job, row });
    free = free && less(free, job.directives.needs);
  }
  return picked;
}

/** How a claim ends. */
export interface Ending {
  readonly state: FinalState | typeof State.new;
  /** What to say of it in the message; what the state says when absent. */
  readonly deed?: string;
  /** What to write in the message for whoever counts attempts. */
  readonly trailer?: string | undefined;
  readonly results?: readonly Result[] | undefined;
}

export function endClaim(draft: Transaction, { number }: HeldRow, { state, deed = deedOf(state), trailer, results = [] }: Ending): void {
  draft.set(number, state, deed);
  draft.left.add(number);
  if (results.length > 0) draft.results.push({ job: number, results });
  if (trailer !== undefined) draft.trail(trailer);
}

export function appendJobs(draft: Transaction, commands: readonly Buffer[], state: State): void {
  refuseUnsettable(state);
  for (const command of commands) refuseUnwritable(command);
  // So that what cannot be held is refused now, and alone.
  draft.document.withJobs([{ commands, state }]);
  draft.append(commands, state);
}

export function setStates(draft: Transaction, selection: Selection, state: State, force: boolean): SetResult {
  refuseUnsettable(state);
  const chosen = draft.document.jobs.filter(jobMatcher(selection));
  const running: Job[] = [];
  let changed = 0;
  draft.document.withStates(new Map(chosen.slice(0, 1).map(({ number }) => [number, state])));
  for (const job of chosen) {
    if (job.state === state) continue;
    if (!force && isInHand(job.state) && draft.present.has(job.number)) {
      running.push({ ...job, holder: 'present' });
      continue;
    }
    draft.set(job.number, state, `set to "${state}"`);
    changed++;
  }
  return { matched: chosen.length, changed, running };
}

/** Sets the jobs that nobody proves to be running back to `.`, and takes away the leases that have run out. */
export function reclaimJobs(draft: Transaction): readonly Job[] {
  const orphans = draft.document.jobs.filter(job => isInHand(job.state) && !draft.present.has(job.number));
  for (const { number } of orphans) draft.set(number, State.new, RECLAIMED);
  draft.leases.push(...draft.expired);
  return orphans;
}

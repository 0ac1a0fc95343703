/** What the server does for a client's requests: claims and their ends, changes, lists, counts, waiting for changes. */

import type { Job } from '../../../job/job.js';
import type { Selection } from '../../../job/selection.js';
import { State } from '../../../job/state.js';
import { selectionFromWire } from '../../../wire/job-form.js';
import type { Answer, FromClient, Request } from '../../../wire/messages.js';
import type { Session } from '../sessions/session.js';
import { ChangeRequests } from './change-requests.js';
import { type ClaimConnection, ClaimRequests } from './claim-requests.js';
import { JobLists } from './job-lists.js';
import type { RequestContext } from './request-context.js';

/** A request that is answered. */
export type Answerable = Exclude<Request, { type: 'part' }>;
/** What a client says without being answered. */
export type Statement = Extract<FromClient, { type: 'tried' | 'enough' | 'part' }>;

/** Handles what a client asks for over one connection. */
export class RequestHandler {
  private readonly lists = new JobLists();
  private readonly claims: ClaimRequests;
  private readonly changes: ChangeRequests;
  /** Ends the wait of the last `watch` request. */
  private watching: AbortController | undefined;

  constructor(
    session: Session,
    connection: ClaimConnection,
    private readonly context: RequestContext,
  ) {
    this.claims = new ClaimRequests(session, connection, context);
    this.changes = new ChangeRequests(session, this.lists, context);
  }

  /** Undefined when the connection was lost meanwhile. */
  async answer(request: Answerable): Promise<Answer | undefined> {
    const { id } = request;
    switch (request.type) {
      case 'claim':
        return await this.claims.claim(request);
      case 'end':
        return { type: 'ended', id, result: await this.claims.end(request) };
      case 'counts':
        return { type: 'counts', id, counts: await this.context.counts.get() };
      case 'jobs':
        return await this.lists.begin(id, this.jobs(selectionFromWire(request.selection)));
      case 'plan':
        return await this.lists.begin(id, this.context.queue.plan(this.claims.claimRequest(request)));
      case 'more':
        return await this.lists.more(id, request.of);
      case 'watch':
        return { type: 'news', id, seen: await this.watch(request.seen) };
      case 'set':
      case 'append':
      case 'reclaim':
        return await this.changes.answer(request);
    }
  }

  /** @throws ProtocolError when the client says more than the server remembers */
  note(statement: Statement): void {
    switch (statement.type) {
      case 'tried':
        this.claims.noteTried(statement);
        break;
      case 'part':
        this.changes.notePart(statement);
        break;
      case 'enough':
        this.lists.end(statement.of);
    }
  }

  /** The connection is over. */
  close(): void {
    this.lists.endAll();
    this.changes.close();
    this.watching?.abort();
  }

  /** Many clients ask at the same time for the jobs that run, and whether their runners are present: they share one query. */
  private async *jobs(selection: Selection): AsyncGenerator<readonly Job[]> {
    const { states, ...others } = selection;
    const isActive = states?.length === 2 && states.includes(State.running) && states.includes(State.claimed);
    if (isActive && Object.keys(others).length === 0) yield await this.context.activeJobs.get();
    else yield* this.context.queue.jobs(selection);
  }

  private async watch(seen: number): Promise<number> {
    const { changes } = this.context;
    // One is enough: a client that asks again has forgotten the request before.
    this.watching?.abort();
    const watching = new AbortController();
    this.watching = watching;
    try {
      return await changes.past(seen, watching.signal);
    } catch (error) {
      if (!watching.signal.aborted) throw error;
      return changes.position;
    }
  }
}

import { State } from '../../../job/state.js';
import type { Claim, ClaimRequest, FinishResult } from '../../../queue/queue.js';
import { jobToWire } from '../../../wire/job-form.js';
import { type Answer, type FromClient, type FromServer, MOST_CLAIMS, ProtocolError } from '../../../wire/messages.js';
import type { Session } from '../sessions/session.js';
import type { RequestContext } from './request-context.js';

type Of<T extends FromClient['type']> = Extract<FromClient, { type: T }>;

/** Jobs that a client may ask to pass over: each takes about 40 bytes. */
const MOST_TRIED = 2_000_000;

/** What claims need of the connection that they are asked for over. */
export interface ClaimConnection {
  readonly isOpen: boolean;
  send(message: FromServer): void;
}

/** Claims jobs for a client, and ends its claims. */
export class ClaimRequests {
  /** Ids of jobs that the client does not want to retry. It names them anew over each connection. */
  private readonly tried = new Set<string>();

  constructor(
    private readonly session: Session,
    private readonly connection: ClaimConnection,
    private readonly context: RequestContext,
  ) {}

  /** @throws ProtocolError when they are more than the server remembers */
  noteTried({ lines, anew }: Of<'tried'>): void {
    const { tried } = this;
    if (anew) tried.clear();
    for (const line of lines) tried.add(String(line));
    if (tried.size > MOST_TRIED) throw new ProtocolError(`more than ${MOST_TRIED} lines that were tried before`);
  }

  /** Undefined when the connection was lost meanwhile. */
  async claim(request: Of<'claim'>): Promise<Answer | undefined> {
    const { id } = request;
    const { session, connection, context } = this;
    const { queue } = context;
    const made = session.claims.get(id);
    if (made) return this.claimed(id, made);
    if (session.claims.size >= MOST_CLAIMS) return { type: 'waiting', id, for: 'room', layout: queue.layout };
    const result = await queue.claim({ ...this.claimRequest(request), asker: session });
    const { layout } = queue;
    if (result.kind === 'waiting') return { type: 'waiting', id, for: result.for, layout };
    if (result.kind === 'exhausted') return { type: 'exhausted', id, layout };
    const { claim } = result;
    if (!connection.isOpen) {
      await claim.release({ unrun: true });
      return undefined;
    }
    session.claims.add(id, claim);
    context.changes.note();
    context.log.detail(() => `${session.name} has claimed line ${claim.job.id}: ${claim.job.command}`);
    return this.claimed(id, claim);
  }

  async end(request: Of<'end'>): Promise<FinishResult> {
    return await this.session.claims.end(request.claim, claim => this.conclude(claim, request));
  }

  /** What the queue is asked for when a client asks for this. */
  claimRequest({ id, retry, free, capacity, tell }: Of<'claim' | 'plan'>): ClaimRequest {
    const { context, connection, tried } = this;
    return {
      ...(tell && {
        tell: notice => {
          // News of the file concern its owner as well.
          if (notice.kind === 'writable' || notice.kind === 'news') context.notifyOwner(notice);
          if (notice.kind !== 'writable') connection.send({ type: 'notice', id, notice });
        },
      }),
      ...context.retries.options(retry, tried),
      ...(free && { free }),
      ...(capacity && { capacity }),
    };
  }

  private claimed(id: number, { job }: Claim): Answer {
    const { queue, revocations } = this.context;
    return { type: 'claimed', id, job: jobToWire(job), layout: queue.layout, fence: revocations.fence };
  }

  private async conclude(claim: Claim, { state, unrun = false }: Of<'end'>): Promise<FinishResult> {
    const { session, context } = this;
    const result = await (state === State.new ? claim.release({ unrun }) : claim.finish({ state }));
    const { id: line } = claim.job;
    context.retries.note(line, state);
    context.changes.note();
    if (result.kind === 'refused') context.log.warn(`${session.name}: the result of line ${line} was refused: ${result.reason}`);
    else context.log.detail(() => `${session.name} has set line ${line} to "${state}"`);
    return result;
  }
}

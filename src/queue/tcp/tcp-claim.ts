import type { Job } from '../../job/job.js';
import type { JobOutcome } from '../../job/outcome.js';
import { State } from '../../job/state.js';
import type { Request } from '../../wire/messages.js';
import type { Claim, FinishResult, ReleaseOptions } from '../queue.js';
import type { ServerConnection } from './server-connection.js';
import { unexpected } from './unexpected.js';

type End = Extract<Request, { type: 'end' }>;

/** A job that a server has claimed for this client. The connection is the presence: the job has nothing to inherit. */
export class TcpClaim implements Claim {
  private isConcluded = false;

  /**
   * @param id of the request that was answered with the job
   * @param fence that came with the answer
   */
  constructor(
    private readonly server: ServerConnection,
    private readonly id: number,
    readonly job: Job,
    fence: number,
  ) {
    server.claims.add(id, job, fence);
  }

  finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    return this.conclude({ state });
  }

  release({ unrun = false }: ReleaseOptions = {}): Promise<FinishResult> {
    return this.conclude({ state: State.new, ...(unrun && { unrun }) });
  }

  private async conclude(how: Pick<End, 'state' | 'unrun'>): Promise<FinishResult> {
    if (this.isConcluded) return { kind: 'refused', reason: 'the claim was given up before' };
    this.isConcluded = true;
    const { claims } = this.server;
    const reason = claims.lossOf(this.id);
    const answer = reason === undefined ? await this.server.ask({ type: 'end', claim: this.id, ...how }) : undefined;
    claims.remove(this.id);
    if (answer === undefined) return { kind: 'refused', reason: reason as string };
    return answer.type === 'ended' ? answer.result : unexpected(answer);
  }
}

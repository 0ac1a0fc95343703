import type { LineJob } from '../../../job/job.js';
import type { JobOutcome } from '../../../job/outcome.js';
import { State, stateUnrun } from '../../../job/state.js';
import type { Claim, FinishResult, ReleaseOptions } from '../../queue.js';
import type { Connection } from '../connection/connection.js';
import type { Presence } from '../presence/presence.js';
import { ABANDON, NOTE } from '../scripts/claim.js';
import type { Writer } from '../writer.js';

/** What all claims of one handle share. */
export interface ClaimParts {
  readonly connection: Connection;
  readonly writer: Writer;
}

/** A job in state `r` that this runner holds as long as its lease. */
export class RedisClaim implements Claim {
  private isConcluded = false;

  /** @param op of the call that made it: with the runner it is the claim's token */
  constructor(
    private readonly parts: ClaimParts,
    readonly presenceOf: Presence,
    private readonly op: string,
    readonly job: LineJob,
    readonly handle: string | undefined,
  ) {}

  /** Whether it is known to be lost. */
  get isLost(): boolean {
    return this.presenceOf.lost !== undefined;
  }

  async note(handle: string): Promise<void> {
    await this.parts.connection.call(NOTE, { args: () => [this.job.number, this.token, handle], precious: true });
  }

  finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    return this.conclude(state);
  }

  release({ unrun = false }: ReleaseOptions = {}): Promise<FinishResult> {
    return this.conclude(unrun ? stateUnrun(this.job.state) : State.new);
  }

  async abandon(): Promise<void> {
    if (this.isConcluded) return;
    this.isConcluded = true;
    await this.parts.connection.call(ABANDON, { args: () => [this.job.number, this.token] });
  }

  /** Its name in the scripts. */
  private get token(): string {
    return `${this.presenceOf.runner}:${this.op}`;
  }

  private async conclude(state: string): Promise<FinishResult> {
    if (this.isConcluded) return { kind: 'refused', reason: 'the claim was given up before' };
    this.isConcluded = true;
    const { presenceOf, op, job } = this;
    for (;;) {
      if (presenceOf.lost !== undefined) return { kind: 'refused', reason: presenceOf.lost };
      const reply = await this.parts.writer.end(presenceOf.runner, job.number, op, state);
      if (reply.kind === 'recorded') return { kind: 'recorded' };
      if (reply.kind === 'refused') return { kind: 'refused', reason: refusal(reply.state) };
      if (!(await presenceOf.isStillHeld(this.parts.connection.patience)))
        return { kind: 'refused', reason: presenceOf.lost ?? 'the lease has run out' };
    }
  }
}

function refusal(state: string): string {
  if (state === State.running || state === State.claimed) return 'another runner has claimed the job meanwhile';
  if (state === '/') return 'Redis has no such line any more';
  return `the line was set to "${state}" while its job ran`;
}

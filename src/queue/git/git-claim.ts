import type { Job } from '../../job/job.js';
import type { JobOutcome } from '../../job/outcome.js';
import { type FinalState, State, stateUnrun } from '../../job/state.js';
import type { Claim, FinishResult, ReleaseOptions } from '../queue.js';
import type { BranchStore } from './branch/branch-store.js';
import type { CommitBatcher } from './branch/commit-batcher.js';
import { PUT_BACK } from './branch/commit-message.js';
import { doneTrailer, judgeFailure } from './branch/failure-count.js';
import { type Ending, endClaim } from './branch/operations.js';
import type { Checkout } from './checkouts/checkout.js';
import { hashOf } from './leases/lease.js';
import type { OwnedClaim, OwnedClaims } from './leases/owned-claims.js';

/** What all claims of one queue handle share. */
export interface ClaimContext {
  readonly store: BranchStore;
  readonly batcher: CommitBatcher;
  readonly claims: OwnedClaims;
  readonly maxJobAttempts: number;
}

/** A job in state `r` on the branch that this runner has claimed. */
export class GitClaim implements Claim {
  /** Where the job runs, when results are brought back. */
  checkout: Checkout | undefined;
  private hasEnded = false;

  constructor(
    private readonly context: ClaimContext,
    private readonly owned: OwnedClaim,
  ) {}

  get job(): Job {
    return this.owned.job;
  }

  get isHeld(): boolean {
    return this.owned.standing.kind === 'held';
  }

  get directory(): string | undefined {
    return this.checkout?.directory;
  }

  get environment(): Readonly<Record<string, string>> | undefined {
    return this.checkout?.environment;
  }

  async finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    if (this.hasEnded) return GIVEN_UP;
    this.hasEnded = true;
    return await this.orDrop(async () => await this.end(await this.endingFor(state), state));
  }

  async release({ unrun = false }: ReleaseOptions = {}): Promise<FinishResult> {
    if (this.hasEnded) return GIVEN_UP;
    this.hasEnded = true;
    const state = unrun ? stateUnrun(this.job.state) : State.new;
    return await this.orDrop(async () => await this.end({ state, verb: PUT_BACK }, state));
  }

  /** Pushes the end of the claim. @param asked the caller's state */
  private async end(ending: Ending, asked: Ending['state']): Promise<FinishResult> {
    const { result, filesRefused } = await this.context.batcher.submit({
      kind: 'jobs',
      endsClaim: true,
      carriesFiles: (ending.results?.length ?? 0) > 0,
      apply: (transaction, filesRefused) => ({
        result: endClaim(transaction, this.owned, filesRefused === undefined ? ending : { ...ending, results: [] }),
        filesRefused,
      }),
    });
    if (result.kind === 'refused') {
      this.checkout?.keep(`the result of job ${this.job.number} was refused`);
      return result;
    }
    const recorded: FinishResult = { kind: 'recorded', ...(ending.state !== asked && { state: ending.state }) };
    if (filesRefused === undefined) return this.checkout?.giveBack() === false ? { ...recorded, incomplete: true } : recorded;
    this.checkout?.keep(`the remote does not take the files of job ${this.job.number} (${filesRefused})`);
    return { ...recorded, incomplete: true };
  }

  /** Drops the claim if its end cannot be pushed: a lease that still named it would keep all others from the job. */
  private async orDrop(end: () => Promise<FinishResult>): Promise<FinishResult> {
    const { store, batcher, claims } = this.context;
    try {
      return await end();
    } catch (error) {
      claims.remove(this.owned);
      batcher.renewLease();
      this.checkout?.keep(`the result of job ${this.job.number} could not be pushed`);
      // The file has been missing or unreadable for longer than patience lasts.
      const { problem } = store.now;
      if (problem !== undefined && error === problem) return { kind: 'refused', reason: problem.message };
      throw error;
    }
  }

  /** The state to write, which the count of attempts may still change, and what comes with it. */
  private async endingFor(state: FinalState): Promise<Ending> {
    const { store, maxJobAttempts } = this.context;
    const results = await this.checkout?.results();
    const { standing } = this.owned;
    if (maxJobAttempts <= 1 || standing.kind === 'lost') return { state, results };
    const hash = hashOf(`${standing.row.rank} ${standing.row.key}`);
    if (state === State.done) return { state, trailer: doneTrailer(hash), results };
    if (state !== State.failed) return { state, results };
    const { again, trailer } = await judgeFailure(store.remote.git, store.now.commit, hash, maxJobAttempts);
    return { state: again ? State.new : state, trailer, results };
  }
}

const GIVEN_UP: FinishResult = { kind: 'refused', reason: 'the claim was given up before' };

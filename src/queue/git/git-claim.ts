import type { Job } from '../../job/job.js';
import type { JobOutcome } from '../../job/outcome.js';
import { type FinalState, State, stateUnrun } from '../../job/state.js';
import type { Claim, FinishResult, ReleaseOptions } from '../queue.js';
import type { BranchStore } from './branch/branch-store.js';
import type { CommitBatcher } from './branch/commit-batcher.js';
import { doneTrailer, judgeFailure } from './branch/failure-count.js';
import { type Ending, endClaim } from './branch/operations.js';
import { PUT_BACK } from './branch/transaction.js';
import type { Checkout } from './checkouts/checkout.js';
import { hashOf } from './leases/lease.js';
import type { OwnedClaims } from './leases/owned-claims.js';

/** What all claims of one handle share. */
export interface Office {
  readonly ledger: BranchStore;
  readonly clerk: CommitBatcher<GitClaim>;
  readonly holdings: OwnedClaims<GitClaim>;
  readonly maxJobAttempts: number;
}

/** A job in state `r` on the branch that is ours. */
export class GitClaim implements Claim {
  /** Where the job runs, when results are brought back. */
  checkout: Checkout | undefined;
  private concluded = false;

  constructor(
    private readonly office: Office,
    readonly job: Job,
  ) {}

  get directory(): string | undefined {
    return this.checkout?.directory;
  }

  get environment(): Readonly<Record<string, string>> | undefined {
    return this.checkout?.environment;
  }

  finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    return this.conclude(state, () => this.endingFor(state));
  }

  release({ unrun = false }: ReleaseOptions = {}): Promise<FinishResult> {
    const state = unrun ? stateUnrun(this.job.state) : State.new;
    return this.conclude(state, () => ({ state, deed: PUT_BACK }));
  }

  private async conclude(state: FinalState | typeof State.new, endingFor: () => Ending | Promise<Ending>): Promise<FinishResult> {
    if (this.concluded) return { kind: 'refused', reason: 'the claim was given up before' };
    this.concluded = true;
    const { clerk, holdings } = this.office;
    let refused: string | undefined;
    try {
      const ending = await endingFor();
      const result = await clerk.do<FinishResult>({
        family: 'jobs',
        precious: true,
        heavy: (ending.results?.length ?? 0) > 0,
        decide: (draft, refusal) => {
          refused = refusal;
          const standing = holdings.of(this);
          if (standing.kind === 'lost') return { kind: 'refused', reason: standing.reason };
          endClaim(draft, standing.row, refusal === undefined ? ending : { ...ending, results: [] });
          return { kind: 'recorded', ...(ending.state !== state && { state: ending.state }) };
        },
        settled: () => holdings.remove(this),
      });
      if (result.kind === 'refused') {
        this.checkout?.keep(`the result of job ${this.job.number} was refused`);
        return result;
      }
      if (refused === undefined) return this.checkout?.giveBack() === false ? { ...result, incomplete: true } : result;
      this.checkout?.keep(`the remote does not take the files of job ${this.job.number} (${refused})`);
      return { ...result, incomplete: true };
    } catch (error) {
      // A lease that went on to name it would keep everybody from it.
      holdings.remove(this);
      clerk.disown();
      this.checkout?.keep(`the result of job ${this.job.number} could not be pushed`);
      // The file is gone or cannot be read, and has been so for longer than our patience.
      const { problem } = this.office.ledger.now;
      if (problem !== undefined && error === problem) return { kind: 'refused', reason: problem.message };
      throw error;
    }
  }

  private async endingFor(state: FinalState): Promise<Ending> {
    const { ledger, holdings, maxJobAttempts } = this.office;
    const results = await this.checkout?.results();
    const standing = holdings.of(this);
    if (maxJobAttempts <= 1 || standing.kind === 'lost') return { state, results };
    const hash = hashOf(`${standing.row.rank} ${standing.row.key}`);
    if (state === State.done) return { state, trailer: doneTrailer(hash), results };
    if (state !== State.failed) return { state, results };
    const { again, trailer } = await judgeFailure(ledger.remote.git, ledger.now.commit, hash, maxJobAttempts);
    return { state: again ? State.new : state, trailer, results };
  }
}

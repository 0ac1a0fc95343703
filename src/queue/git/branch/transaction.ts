import { JobTable } from '../../../job/job-table.js';
import { State } from '../../../job/state.js';
import type { JobResults } from '../checkouts/results.js';
import type { DocumentJob, NewJobs, QueueDocument } from '../documents/document.js';
import { OwnedClaim } from '../leases/owned-claims.js';
import { rowsOf } from '../leases/row-tracking.js';
import type { RefChange } from '../plumbing/remote.js';
import { jobsInWords } from './commit-message.js';

/** What the leases say about a document. Empty unless a request of the batch needs them. */
export interface LeaseView {
  /** The lines of jobs whose owner is alive. */
  readonly present: ReadonlySet<number>;
  /** Removes the expired leases. */
  readonly expired: readonly RefChange[];
}

/**
 * The changes that one commit makes to a document: requests add to it one after the other, and each sees the effects of those before it.
 */
export class Transaction {
  /** Results that are committed with the states. */
  readonly results: JobResults[] = [];
  /** Expired leases that are removed. */
  readonly removedLeases: RefChange[] = [];
  /** Claims that begin and end with this commit. */
  readonly claimed: OwnedClaim[] = [];
  readonly ended = new Set<OwnedClaim>();
  /** Whether to renew this runner's lease although nothing else changes. */
  renewLease = false;
  private jobTable: JobTable | undefined;
  private readonly states = new Map<number, State>();
  private readonly endedLines = new Set<number>();
  private readonly verbs = new Map<string, number[]>();
  private readonly trailers: string[] = [];
  private readonly added: NewJobs[] = [];

  constructor(
    readonly document: QueueDocument,
    readonly leases: LeaseView,
  ) {}

  /** The resulting states and dependencies. Built on first use: only a claim needs it. */
  get table(): JobTable {
    if (this.jobTable === undefined) {
      const { jobs, barriers, lineCount } = this.document;
      this.jobTable = new JobTable(jobs, barriers, lineCount);
      for (const [line, state] of this.states) this.jobTable.setState(line, state.charCodeAt(0));
    }
    return this.jobTable;
  }

  /** Lines that a claim must not take: the history must show the end of one claim before the next begins. */
  get justEnded(): ReadonlySet<number> {
    return this.endedLines;
  }

  /** @param verb for the message: "started" */
  set(line: number, state: State, verb: string): void {
    this.states.set(line, state);
    this.jobTable?.setState(line, state.charCodeAt(0));
    const lines = this.verbs.get(verb);
    if (lines) lines.push(line);
    else this.verbs.set(verb, [line]);
  }

  claim(line: number): OwnedClaim {
    const job = this.jobAt(line);
    const claim = new OwnedClaim(job, rowsOf(this.document).rowOf(job));
    this.set(line, State.running, 'started');
    this.claimed.push(claim);
    return claim;
  }

  /** @param line where the claim's row is in this document */
  end(claim: OwnedClaim, line: number, state: State, verb: string): void {
    this.set(line, state, verb);
    this.endedLines.add(line);
    this.ended.add(claim);
  }

  append(commands: readonly Buffer[], state: State): void {
    this.added.push({ commands, state });
  }

  /** Adds a line at the end of the message, for programs to find. */
  addTrailer(line: string): void {
    this.trailers.push(line);
  }

  /** The file after the changes; undefined if unchanged. */
  bytes(): Buffer | undefined {
    const { document, added } = this;
    if (added.length > 0) return document.withJobs(added);
    const bytes = this.states.size === 0 ? document.bytes : document.withStates(this.states);
    return bytes.equals(document.bytes) && this.results.length === 0 ? undefined : bytes;
  }

  /** `runmaker alice: started 3 jobs (4,5,6)`, then the trailers. */
  message(host: string): string {
    const parts = [...this.verbs].map(([verb, lines]) => `${verb} ${jobsInWords(lines)}`);
    const count = this.added.reduce((sum, { commands }) => sum + commands.length, 0);
    if (count > 0) parts.push(`added ${count === 1 ? '1 job' : `${count} jobs`}`);
    const trailers = this.trailers.length === 0 ? '' : `\n${this.trailers.join('\n')}\n`;
    return `runmaker ${host}: ${parts.join(', ')}\n${trailers}`;
  }

  private jobAt(line: number): DocumentJob {
    const job = this.document.jobs.find(({ number }) => number === line);
    if (job === undefined) throw new Error(`line ${line} is no job`);
    return job;
  }
}

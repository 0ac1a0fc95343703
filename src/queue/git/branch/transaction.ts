import { JobTable } from '../../../job/job-table.js';
import { State } from '../../../job/state.js';
import type { JobResults } from '../checkouts/results.js';
import type { DocumentJob, NewJobs, QueueDocument } from '../documents/document.js';
import type { HeldRow } from '../leases/row-tracking.js';
import type { RefChange } from '../plumbing/remote.js';

/** Numbers that a message names at most. */
const NAMED = 25;

/** What a commit is to change: made of a document and of what several callers want of it, one after the other. */
export class Transaction {
  /** The states as they will be. */
  readonly table: JobTable;
  /** Results that go with the states. */
  readonly results: JobResults[] = [];
  /** Leases of the dead that go. */
  readonly leases: RefChange[] = [];
  /** Jobs that come into our hands, and lines that leave them. */
  readonly taken: HeldRow[] = [];
  readonly left = new Set<number>();
  /** Whether our own lease is to be renewed though nothing else changes. */
  renew = false;
  private readonly states = new Map<number, State>();
  private readonly deeds = new Map<string, number[]>();
  private readonly trailers: string[] = [];
  private readonly added: NewJobs[] = [];

  constructor(
    readonly document: QueueDocument,
    /** The lines of jobs that somebody proves to be running; known only to those who have asked for the leases. */
    readonly present: ReadonlySet<number>,
    readonly expired: readonly RefChange[],
  ) {
    this.table = new JobTable(document.jobs, document.barriers, document.lineCount);
  }

  /** @param deed for the message: "started" */
  set(line: number, state: State, deed: string): void {
    this.states.set(line, state);
    this.table.setState(line, state.charCodeAt(0));
    this.note(deed, line);
  }

  append(commands: readonly Buffer[], state: State): void {
    this.added.push({ commands, state });
  }

  /** A line at the end of the message, for programs to find. */
  trail(line: string): void {
    this.trailers.push(line);
  }

  jobAt(line: number): DocumentJob {
    const job = this.document.jobs.find(({ number }) => number === line);
    if (job === undefined) throw new Error(`line ${line} is no job`);
    return job;
  }

  /** The file as it is to be; undefined when nothing is to be changed. */
  bytes(): Buffer | undefined {
    const { document, added } = this;
    if (added.length > 0) return document.withJobs(added);
    const bytes = this.states.size === 0 ? document.bytes : document.withStates(this.states);
    return bytes.equals(document.bytes) && this.results.length === 0 ? undefined : bytes;
  }

  /** What happened, in one line and what programs look for: `runmaker alice: started 3 jobs (4,5,6)`. */
  message(who: string): string {
    const deeds = [...this.deeds].map(([deed, lines]) => `${deed} ${jobsInWords(lines)}`);
    const count = this.added.reduce((sum, { commands }) => sum + commands.length, 0);
    if (count > 0) deeds.push(`added ${count === 1 ? '1 job' : `${count} jobs`}`);
    const trailers = this.trailers.length === 0 ? '' : `\n${this.trailers.join('\n')}\n`;
    return `runmaker ${who}: ${deeds.join(', ')}\n${trailers}`;
  }

  private note(deed: string, line: number): void {
    const lines = this.deeds.get(deed);
    if (lines) lines.push(line);
    else this.deeds.set(deed, [line]);
  }
}

/** What is said of jobs whose lease had run out. */
export const RECLAIMED = 'reclaimed';

/** Whether a commit's message, as `Transaction.message` makes it, says that jobs were set back because their lease had run out. */
export function saysReclaimed(message: string): boolean {
  return new RegExp(`^runmaker \\S+: ${RECLAIMED} `).test(message);
}

/** `3 jobs (4,5,6)` */
export function jobsInWords(lines: readonly number[]): string {
  const shown = lines.length > NAMED ? `${lines.slice(0, NAMED).join(',')},…` : lines.join(',');
  return `${lines.length === 1 ? '1 job' : `${lines.length} jobs`} (${shown})`;
}

/** What is said of jobs that were given back. */
export const PUT_BACK = 'put back';

/** What became of a job, for the message. */
export function deedOf(state: State): string {
  switch (state) {
    case State.done:
      return 'finished';
    case State.failed:
      return 'failed';
    case State.error:
      return 'broke off';
    default:
      return PUT_BACK;
  }
}

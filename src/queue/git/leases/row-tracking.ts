import { State } from '../../../job/state.js';
import type { DocumentJob, QueueDocument } from '../documents/document.js';

/** A claimed job: its last known position. */
export interface HeldRow {
  readonly number: number;
  readonly key: string;
  /** How many jobs with the same key stand above it: this tells identical jobs apart. */
  readonly rank: number;
}

export type Followed = { readonly kind: 'kept'; readonly row: HeldRow } | { readonly kind: 'lost'; readonly reason: string };

/** A document's jobs by key, for finding many rows in it. */
export class Rows {
  private readonly byKey = new Map<string, DocumentJob[]>();

  constructor({ jobs }: QueueDocument) {
    for (const job of jobs) {
      const same = this.byKey.get(job.key);
      if (same) same.push(job);
      else this.byKey.set(job.key, [job]);
    }
  }

  /** The row of a job of this document. */
  rowOf({ number, key }: DocumentJob): HeldRow {
    return { number, key, rank: this.same(key).findIndex(job => job.number === number) };
  }

  /** The jobs with this key, in order. */
  same(key: string): readonly DocumentJob[] {
    return this.byKey.get(key) ?? [];
  }
}

const rowsByDocument = new WeakMap<QueueDocument, Rows>();

/** The rows of a document, which are indexed once. */
export function rowsOf(document: QueueDocument): Rows {
  const rows = rowsByDocument.get(document) ?? new Rows(document);
  rowsByDocument.set(document, rows);
  return rows;
}

/**
 * Follows rows from a document to its successor. No two rows map to the same one, and every runner that compares the same two documents
 * gets the same answer. A row is lost when it is gone or has another state: then the next runner may take it.
 */
export class Change {
  private readonly before: Rows;
  private readonly after: Rows;
  private readonly setsStatesOnly: boolean;
  private readonly pairs = new Map<string, ReadonlyMap<number, DocumentJob>>();

  constructor(before: QueueDocument, after: QueueDocument) {
    this.before = rowsOf(before);
    this.after = rowsOf(after);
    this.setsStatesOnly = areAlike(before, after);
  }

  follow({ key, rank }: HeldRow): Followed {
    const [was, is] = [this.before.same(key), this.after.same(key)];
    let pairs = this.pairs.get(key);
    if (pairs === undefined) {
      pairs = this.setsStatesOnly ? new Map(is.entries()) : pairUp(was, is);
      this.pairs.set(key, pairs);
    }
    const now = pairs.get(rank);
    if (now?.state === State.running) return { kind: 'kept', row: this.after.rowOf(now) };
    const state = (now ?? (is.length < was.length ? undefined : is[rank]))?.state;
    if (state === undefined) return { kind: 'lost', reason: 'its line was changed or removed while the job ran' };
    return { kind: 'lost', reason: `somebody set the line to "${state}" while its job ran` };
  }
}

/** Whether two documents have the same jobs in the same lines, whatever their states. */
export function areAlike(before: QueueDocument, after: QueueDocument): boolean {
  return before.jobs.length === after.jobs.length && before.jobs.every((job, at) => isSame(job, after.jobs[at]));
}

function isSame(job: DocumentJob, other: DocumentJob | undefined): boolean {
  return job.number === other?.number && job.key === other.key;
}

/**
 * Matches identical rows before and after an edit, by rank: first those at the beginning and at the end with unchanged states, then the
 * running ones in between, in order.
 */
function pairUp(was: readonly DocumentJob[], is: readonly DocumentJob[]): ReadonlyMap<number, DocumentJob> {
  const pairs = new Map<number, DocumentJob>();
  const shorter = Math.min(was.length, is.length);
  let head = 0;
  for (; head < shorter && was[head]?.state === is[head]?.state; head++) pairs.set(head, is[head] as DocumentJob);
  let tail = 0;
  for (; tail < shorter - head && was.at(-1 - tail)?.state === is.at(-1 - tail)?.state; tail++) {
    pairs.set(was.length - 1 - tail, is.at(-1 - tail) as DocumentJob);
  }
  const running = is.slice(head, is.length - tail).filter(({ state }) => state === State.running);
  for (let rank = head; rank < was.length - tail && running.length > 0; rank++) {
    if (was[rank]?.state === State.running) pairs.set(rank, running.shift() as DocumentJob);
  }
  return pairs;
}

import { State } from '../../job/state.js';
import type { DocumentJob, QueueDocument } from './documents/document.js';

/** A claimed job: where it stood when it was seen last. */
export interface HeldRow {
  readonly number: number;
  readonly key: string;
  /** How many jobs with the same key stand above it: identical jobs are told apart by that. */
  readonly rank: number;
}

export type Followed = { readonly kind: 'kept'; readonly row: HeldRow } | { readonly kind: 'lost'; readonly reason: string };

/** A document's jobs by key, for following many rows through it. */
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

  /**
   * Where a row is after a change by somebody else: of identical jobs the one with as many above it as before, or the one on the
   * same line. It is lost when it is gone, or when somebody has given it another state: then it is whoever's who takes it next.
   */
  follow({ number, key, rank }: HeldRow): Followed {
    const same = this.same(key);
    const likely = same[rank] ?? same.at(-1);
    if (likely === undefined) return { kind: 'lost', reason: 'its line was changed or removed while the job ran' };
    const ours = [likely, same.find(job => job.number === number)].find(job => job?.state === State.running);
    if (ours === undefined) return { kind: 'lost', reason: `somebody set the line to "${likely.state}" while its job ran` };
    return { kind: 'kept', row: this.rowOf(ours) };
  }

  private same(key: string): readonly DocumentJob[] {
    return this.byKey.get(key) ?? [];
  }
}

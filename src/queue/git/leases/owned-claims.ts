import type { Move } from '../branch/branch-store.js';
import type { QueueDocument } from '../documents/document.js';
import { Change, type HeldRow } from './row-tracking.js';

/** Where a claim of ours stands. */
export type Standing = { readonly kind: 'held'; readonly row: HeldRow } | { readonly kind: 'lost'; readonly reason: string };

/** The claims of one handle, and where their rows are now: followed through every commit that others have made since. */
export class OwnedClaims<Claim> {
  private readonly standings = new Map<Claim, Standing>();

  add(claim: Claim, row: HeldRow): void {
    this.standings.set(claim, { kind: 'held', row });
  }

  remove(claim: Claim): void {
    this.standings.delete(claim);
  }

  get size(): number {
    return this.standings.size;
  }

  of(claim: Claim): Standing {
    return this.standings.get(claim) ?? { kind: 'lost', reason: 'the claim was given up before' };
  }

  /**
   * Where claims stand after a commit. A commit without a readable file says nothing about them.
   * @param before the file as it could be read last
   */
  follow(before: QueueDocument, { document, reclaims }: Move['steps'][number], rewritten: boolean): void {
    if (document === undefined || this.standings.size === 0) return;
    const change = new Change(before, document);
    for (const [claim, standing] of this.standings) {
      if (standing.kind === 'lost') continue;
      const followed = change.follow(standing.row);
      if (followed.kind === 'kept') this.standings.set(claim, { kind: 'held', row: followed.row });
      else
        this.standings.set(claim, {
          kind: 'lost',
          reason: reasonFor(followed.reason, rewritten, reclaims ?? false),
        });
    }
  }

  /** The rows that are in our hands. */
  rows(): HeldRow[] {
    return [...this.standings.values()].flatMap(standing => (standing.kind === 'held' ? [standing.row] : []));
  }
}

function reasonFor(seen: string, rewritten: boolean, reclaimed: boolean): string {
  if (rewritten) return `the branch's history was rewritten: ${seen}`;
  return reclaimed ? 'its lease had run out, and the job was reclaimed: set back to "." for others to run' : seen;
}

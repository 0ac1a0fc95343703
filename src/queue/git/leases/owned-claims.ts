import type { DocumentJob, QueueDocument } from '../documents/document.js';
import { Change, type HeldRow } from './row-tracking.js';

/** Where a claim's row is now, or why the claim is lost. */
export type Standing = { readonly kind: 'held'; readonly row: HeldRow } | { readonly kind: 'lost'; readonly reason: string };

/** A job that this runner has claimed. */
export class OwnedClaim {
  standing: Standing;

  /** @param job as it was when it was claimed */
  constructor(
    readonly job: DocumentJob,
    row: HeldRow,
  ) {
    this.standing = { kind: 'held', row };
  }
}

/** What to follow: a document that replaced another one, and whether the commit says that it reclaims jobs. */
export interface Step {
  readonly document: QueueDocument | undefined;
  readonly reclaims?: boolean;
}

/** The claims of one runner. Their rows are followed through all commits that others make. */
export class OwnedClaims {
  private readonly claims = new Set<OwnedClaim>();

  get size(): number {
    return this.claims.size;
  }

  /** Takes in the claims that a commit of this runner has begun and ended. */
  update(begun: Iterable<OwnedClaim>, ended: Iterable<OwnedClaim>): void {
    for (const claim of begun) this.claims.add(claim);
    for (const claim of ended) this.remove(claim);
  }

  remove(claim: OwnedClaim): void {
    this.claims.delete(claim);
    claim.standing = { kind: 'lost', reason: 'the claim was given up before' };
  }

  /**
   * Follows all rows through a commit. A commit whose file cannot be read says nothing about them.
   * @param before the last readable document
   */
  follow(before: QueueDocument, { document, reclaims = false }: Step, rewritten: boolean): void {
    if (document === undefined || this.claims.size === 0) return;
    const change = new Change(before, document);
    for (const claim of this.claims) {
      if (claim.standing.kind === 'lost') continue;
      const followed = change.follow(claim.standing.row);
      claim.standing =
        followed.kind === 'kept'
          ? { kind: 'held', row: followed.row }
          : { kind: 'lost', reason: reasonFor(followed.reason, rewritten, reclaims) };
    }
  }

  /** The rows of the claims that are still held, without those of `except`. */
  rows(except: ReadonlySet<OwnedClaim> = new Set()): HeldRow[] {
    return [...this.claims].flatMap(claim => (claim.standing.kind === 'held' && !except.has(claim) ? [claim.standing.row] : []));
  }
}

function reasonFor(seen: string, rewritten: boolean, reclaimed: boolean): string {
  if (rewritten) return `the branch's history was rewritten: ${seen}`;
  return reclaimed ? 'its lease had expired, and the job was reclaimed: set back to "." for others to run' : seen;
}

import { reason } from '../../../errors.js';
import type { ServerLog } from '../../log.js';
import type { ChangeNotifier } from '../notification/change-notifier.js';
import type { HeldClaim } from './place.js';
import type { Revocations } from './revocations.js';

/** Takes claims from clients that are gone: their jobs become orphans or, with `reclaim`, new. */
export class AbandonedClaims {
  constructor(
    private readonly revocations: Revocations,
    private readonly changes: ChangeNotifier,
    private readonly reclaim: boolean,
    private readonly log: ServerLog,
  ) {}

  /** The clients may come back: their late results will be refused. */
  async revoke(claims: readonly HeldClaim[], owner: string): Promise<void> {
    // First of all: from the next step on other runners may run the jobs.
    await this.revocations.add(claims.map(({ place }) => place));
    await this.giveUp(claims, owner);
  }

  /** The client has left and claims nothing any more. */
  async giveUp(claims: readonly HeldClaim[], owner: string): Promise<void> {
    for (const { claim } of claims) {
      try {
        await (this.reclaim ? claim.release() : claim.abandon?.());
      } catch (error) {
        this.log.warn(`line ${claim.job.id}: ${reason(error)}`);
      }
    }
    if (claims.length === 0) return;
    this.changes.note();
    const fate = this.reclaim ? 'are set back to "."' : 'are orphans now: runset --reclaim sets them back';
    this.log.warn(`the jobs of ${owner} (lines ${claims.map(({ claim }) => claim.job.id).join(', ')}) ${fate}`);
  }
}

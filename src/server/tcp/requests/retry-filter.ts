import { State } from '../../../job/state.js';
import type { ClaimRequest } from '../../../queue/queue.js';

/** Has a server with `--retry` give out failed jobs too, each at most once. */
export class RetryFilter {
  /** Ids of jobs that have failed under this server. */
  private readonly failed = new Set<string>();

  constructor(private readonly isEnabled: boolean) {}

  /** A job has ended. */
  note(id: string, state: State): void {
    if (state === State.failed || state === State.error) this.failed.add(id);
  }

  /** What to retry for a client, which may want to retry of its own and has tried these jobs. */
  options(clientRetries = false, tried: ReadonlySet<string> = new Set()): Pick<ClaimRequest, 'retry' | 'tried'> {
    if (!this.isEnabled) return clientRetries ? { retry: true, tried } : {};
    return { retry: true, tried: clientRetries ? new Set([...tried, ...this.failed]) : this.failed };
  }
}

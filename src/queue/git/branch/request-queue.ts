import type { GitFailure } from '../plumbing/failure.js';
import { withoutSecrets } from '../plumbing/secrets.js';
import type { ChangeRequest, PendingRequest } from './request.js';

/** Requests that wait for a commit, in order, and which of them go into the same one. */
export class RequestQueue {
  private readonly waiting: PendingRequest[] = [];

  get length(): number {
    return this.waiting.length;
  }

  get first(): ChangeRequest<unknown> | undefined {
    return this.waiting[0]?.request;
  }

  /** Whether one of the requests for the next commit claims jobs. */
  get hasClaim(): boolean {
    return this.first?.kind === 'jobs' && this.waiting.some(({ request }) => request.claims && !request.signal?.aborted);
  }

  /** How many ends of claims are waiting. */
  get ends(): number {
    return this.waiting.filter(({ request }) => request.endsClaim).length;
  }

  add<T>(request: ChangeRequest<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({
        request: request as ChangeRequest<unknown>,
        since: performance.now(),
        resolve: resolve as (answer: unknown) => void,
        reject,
      });
    });
  }

  /** Moves compatible requests into the batch, and drops aborted ones from both. */
  fill(batch: PendingRequest[]): void {
    for (const list of [batch, this.waiting]) {
      for (const pending of list.filter(({ request }) => request.signal?.aborted)) {
        list.splice(list.indexOf(pending), 1);
        pending.reject(pending.request.signal?.reason);
      }
    }
    const first = batch[0] ?? this.waiting[0];
    for (let next = this.waiting[0]; next && first; next = this.waiting[0]) {
      const { kind } = next.request;
      if (kind !== first.request.kind) return;
      if (batch.length > 0 && (kind === 'alone' || next.isolated || first.isolated)) return;
      batch.push(next);
      this.waiting.shift();
    }
  }

  /**
   * Isolates the files that made the remote refuse a push, so that the other requests go through: requests with files first get a commit
   * each, and one that is refused alone is pushed without its files.
   * @returns false if the files were not the reason
   */
  isolateRefused(batch: PendingRequest[], failure: GitFailure): boolean {
    const withFiles = batch.filter(({ request }) => request.carriesFiles);
    const [first] = withFiles;
    if (first === undefined) return false;
    if (!first.isolated) {
      for (const pending of withFiles) {
        pending.isolated = true;
        batch.splice(batch.indexOf(pending), 1);
      }
      this.waiting.unshift(...withFiles);
      return true;
    }
    if (first.filesRefused === undefined) {
      first.filesRefused = withoutSecrets(failure.message);
      return true;
    }
    first.filesRefused = undefined;
    for (const pending of [...batch, ...this.waiting]) pending.isolated = false;
    return false;
  }
}

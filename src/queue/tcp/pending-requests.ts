import type { RunmakerError } from '../../errors.js';
import type { Answer, FromClient } from '../../wire/messages.js';
import type { OpenClaims } from './open-claims.js';
import type { PendingRequest } from './pending-request.js';

/** A client's unanswered requests, over all its connections. */
export class PendingRequests {
  private readonly byId = new Map<number, PendingRequest>();

  constructor(private readonly claims: OpenClaims) {}

  get(id: number): PendingRequest | undefined {
    return this.byId.get(id);
  }

  add(pending: PendingRequest): void {
    this.byId.set(pending.request.id, pending);
  }

  /** Whether it was still pending. */
  remove(id: number): boolean {
    return this.byId.delete(id);
  }

  settle(answer: Answer): void {
    const pending = this.byId.get(answer.id);
    this.byId.delete(answer.id);
    pending?.resolve(answer);
  }

  /** The connection was lost: requests that cannot be repeated are rejected. */
  connectionLost(): void {
    for (const [id, pending] of this.byId) if (!pending.survivesLoss()) this.byId.delete(id);
  }

  /**
   * There is a new connection: rejects requests unknown to the server, and settles the ends of claims that it has reported.
   * @param ended claims whose state had been written before the server restarted
   */
  connected(session: string, ended: ReadonlySet<number>): void {
    for (const [id, pending] of this.byId) {
      if (!pending.survivesOblivion(session)) this.byId.delete(id);
      if (pending.request.type !== 'end') continue;
      const reason = this.claims.lossOf(pending.request.claim);
      if (reason !== undefined) this.settle({ type: 'ended', id, result: { kind: 'refused', reason } });
      else if (ended.has(pending.request.claim)) this.settle({ type: 'ended', id, result: { kind: 'recorded' } });
    }
  }

  /** Sends all of them with `send`, the oldest first. */
  sendAll(send: (pending: PendingRequest) => void): void {
    for (const pending of this.byId.values()) send(pending);
  }

  /** Rejects those that have waited for a connection for longer than `patience`, in ms. */
  expire(patience: number, failure: RunmakerError): void {
    const now = performance.now();
    for (const [id, pending] of this.byId) {
      if (now - pending.waitingSince <= patience) continue;
      this.byId.delete(id);
      pending.reject(failure);
    }
  }

  rejectAll(failure: RunmakerError): void {
    for (const pending of this.byId.values()) pending.reject(failure);
    this.byId.clear();
  }
}

/** Gives the messages of `append` that carry its commands the id of the request. */
export function withId(messages: readonly FromClient[] | undefined, id: number): readonly FromClient[] | undefined {
  return messages?.map(message => (message.type === 'part' ? { ...message, id } : message));
}

/** The sessions of a server's clients, and their claims: over lost connections, a grace, and restarts of the server. */

import { after } from '../../../async/timer.js';
import { amount } from '../../../job/amount.js';
import type { Hello, OpenClaim, Welcome } from '../../../wire/messages.js';
import type { ServerLog } from '../../log.js';
import type { AbandonedClaims } from './abandoned-claims.js';
import type { ClaimRecovery } from './claim-recovery.js';
import { placeOf } from './place.js';
import { GIVEN_UP, type Revocations } from './revocations.js';
import { Session, type SessionConnection } from './session.js';
import type { StallDetector } from './stall-detector.js';

/** So many times as many sessions are kept as clients may be connected. */
const KEPT_SESSIONS = 2;

export interface SessionOptions {
  /** How long a client keeps its claims after it was last heard, in ms. */
  readonly grace: number;
  readonly maxClients: number;
}

/** What becomes of claims. */
export interface SessionClaims {
  readonly recovery: ClaimRecovery;
  readonly revocations: Revocations;
  readonly abandoned: AbandonedClaims;
}

/** Whether a client is admitted. */
export type Admission =
  | { readonly kind: 'admitted'; readonly session: Session; readonly isKnown: boolean }
  | { readonly kind: 'refused'; readonly reason: string; readonly hint: string };

/** What an admitted client is told about its session. */
export type Greeting = Pick<Welcome, 'session' | 'lost' | 'ended'>;

export class SessionRegistry {
  private readonly byClient = new Map<string, Session>();

  constructor(
    private readonly all: SessionClaims,
    private readonly stalls: StallDetector,
    private readonly options: SessionOptions,
    private readonly log: ServerLog,
  ) {}

  /** How many clients are connected. */
  get connected(): number {
    return [...this.byClient.values()].filter(({ connection }) => connection !== undefined).length;
  }

  /** How many jobs clients have. */
  get claims(): number {
    return [...this.byClient.values()].reduce((sum, session) => sum + session.claims.size, 0);
  }

  /** Admits a client. From now on it is heard over this connection: an earlier one is ended. */
  admit(hello: Hello, connection: SessionConnection): Admission {
    const known = this.byClient.get(hello.client);
    if (known === undefined && this.connected >= this.options.maxClients) {
      const reason = `the server has ${amount(this.options.maxClients, 'client')} already`;
      return { kind: 'refused', reason, hint: 'start it with a greater --max-clients' };
    }
    if (known === undefined) this.makeRoom();
    const session = known ?? new Session(hello.client, `${hello.host} (${connection.peer})`);
    this.byClient.set(hello.client, session);
    session.cancelExpiry();
    const before = session.connection;
    session.connection = connection;
    before?.supersede();
    session.unmark();
    return { kind: 'admitted', session, isKnown: known !== undefined };
  }

  /** Finds out what has become of the claims that the client lists. */
  async greet(session: Session, hello: Hello, connection: SessionConnection, isKnown: boolean): Promise<Greeting> {
    session.recovery ??= this.recover(session, hello.claims);
    try {
      await session.recovery;
    } catch (error) {
      session.recovery = undefined;
      throw error;
    }
    const listed = new Set(hello.claims.map(({ id }) => id));
    // The client never heard of these: the answer was lost with the connection. Once it has another one it may claim anew.
    for (const claim of session.connection === connection ? session.claims.takeUnlisted(listed) : []) {
      await claim.release({ unrun: true });
      if (session.connection !== connection) break;
    }
    const { claims } = session;
    this.log.info(`${session.name} ${isKnown ? 'is back' : 'has come'}${claims.size > 0 ? `, with ${amount(claims.size, 'job')}` : ''}`);
    return { session: session.id, ...claims.report(listed) };
  }

  /** The connection to a client was lost. */
  disconnected(session: Session, connection: SessionConnection, heardAt: number): void {
    if (session.connection !== connection) return;
    session.connection = undefined;
    const rest = this.expireLater(session, heardAt);
    const { size } = session.claims;
    const kept = size === 1 ? 'its job is kept' : `its ${size} jobs are kept`;
    this.log.info(`${session.name} is away${size > 0 ? `; ${kept} for ${Math.round(rest / 1000)} s` : ''}`);
  }

  /** The client has said that it leaves for good. */
  async leave(session: Session): Promise<void> {
    session.connection = undefined;
    session.cancelExpiry();
    this.byClient.delete(session.client);
    this.log.info(`${session.name} has left`);
    await this.all.abandoned.giveUp(session.claims.takeAll(), session.name);
  }

  /** Ends all connections. Claims stay as they are, for the next server. */
  async close(): Promise<void> {
    for (const session of this.byClient.values()) {
      session.cancelExpiry();
      const { connection } = session;
      session.connection = undefined;
      connection?.supersede();
      for (const { claim } of session.claims.takeAll()) await claim.abandon?.();
    }
    this.byClient.clear();
  }

  /** Drops the first session of a client that is away and has no jobs, when there are too many. */
  private makeRoom(): void {
    if (this.byClient.size < KEPT_SESSIONS * this.options.maxClients) return;
    for (const session of this.byClient.values()) {
      if (session.connection !== undefined || session.claims.size > 0) continue;
      session.cancelExpiry();
      this.byClient.delete(session.client);
      return;
    }
  }

  /** Returns how much of its grace the client has left, in ms. */
  private expireLater(session: Session, heardAt: number): number {
    const rest = Math.max(0, this.options.grace - this.stalls.silenceSince(heardAt));
    session.cancelExpiry = after(rest, () => void this.expire(session, heardAt));
    return rest;
  }

  private async expire(session: Session, heardAt: number): Promise<void> {
    if (session.connection !== undefined) return;
    if (this.options.grace - this.stalls.silenceSince(heardAt) > 1) {
      this.expireLater(session, heardAt);
      return;
    }
    this.byClient.delete(session.client);
    this.log.info(`${session.name} has not come back`);
    await this.all.abandoned.revoke(session.claims.takeAll(), session.name);
  }

  /** The client is new to this server, which may have been started again: looks up the claims that it lists. */
  private async recover(session: Session, listed: readonly OpenClaim[]): Promise<void> {
    const open: OpenClaim[] = [];
    for (const wanted of listed) {
      // An earlier try may have failed half-way.
      if (session.claims.knows(wanted.id)) continue;
      const place = placeOf(wanted);
      if (!this.all.revocations.includes(place, wanted.fence ?? 0)) open.push(wanted);
      else session.claims.recover(wanted.id, { kind: 'lost', reason: GIVEN_UP }, place);
    }
    await this.all.recovery.recover(
      open,
      (wanted, recovered) => session.claims.recover(wanted.id, recovered, placeOf(wanted)),
      () => {
        if (session.connection === undefined) throw new Error('the client has gone');
      },
    );
  }
}

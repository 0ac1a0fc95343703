import { setTimeout } from 'node:timers';
import { LONGEST_TIMER } from '../../../async/timer.js';
import { reason } from '../../../errors.js';
import { amount } from '../../../job/amount.js';
import type { Claim } from '../../../queue/queue.js';
import type { Hello, OpenClaim, Welcome } from '../../../wire/messages.js';
import type { ServerLog } from '../../log.js';
import type { Connection } from '../connections/connection.js';
import type { StallDetector } from '../connections/stall-detector.js';
import type { ChangeNotifier } from '../notification/change-notifier.js';
import { type ClaimRecovery, GIVEN_UP } from './claim-recovery.js';
import { Revocations } from './revocations.js';
import { Session } from './session.js';

/** So many times as many clients as may be there at once are remembered. */
const FAMILIAR = 2;

/** What becomes of clients that are away, in ms and clients. */
export interface SessionOptions {
  /** How long a client keeps its claims after it was last heard. */
  readonly grace: number;
  /** Set the jobs of clients that do not come back to `.`; else they are left as orphans. */
  readonly reclaim: boolean;
  readonly maxClients: number;
}

/** Whether a client is let in. */
export type Admission =
  | { readonly kind: 'admitted'; readonly session: Session; readonly isKnown: boolean }
  | { readonly kind: 'refused'; readonly reason: string; readonly hint: string };

/** What there is to say to a client that was let in. */
export type Greeting = Pick<Welcome, 'session' | 'lost' | 'ended'>;

/** All clients of a server: those that are there, and those that may come back. */
export class SessionRegistry {
  private readonly byClient = new Map<string, Session>();
  private readonly forfeits = new Revocations();

  constructor(
    private readonly returning: ClaimRecovery,
    private readonly bulletin: ChangeNotifier,
    private readonly attention: StallDetector,
    private readonly options: SessionOptions,
    private readonly log: ServerLog,
  ) {}

  /** How many clients are there now. */
  get present(): number {
    return [...this.byClient.values()].filter(session => session.conversation !== undefined).length;
  }

  /** How many jobs clients have. */
  get claims(): number {
    return [...this.byClient.values()].reduce((sum, session) => sum + session.claims.size, 0);
  }

  /** Lets a client in. From now on it is heard over this connection: the one that it had before is ended. */
  admit(hello: Hello, conversation: Connection): Admission {
    const known = this.byClient.get(hello.client);
    if (known === undefined && this.present >= this.options.maxClients) {
      const reason = `the server has ${amount(this.options.maxClients, 'client')} already`;
      return { kind: 'refused', reason, hint: 'start it with a greater --max-clients' };
    }
    if (known === undefined) this.makeRoom();
    const session = known ?? new Session(hello.client, `${hello.host} (${conversation.peer})`);
    this.byClient.set(hello.client, session);
    clearTimeout(session.lapse);
    const before = session.conversation;
    session.conversation = conversation;
    before?.supersede();
    session.unmark();
    return { kind: 'admitted', session, isKnown: known !== undefined };
  }

  /** Finds out what became of the claims that the client says it has. */
  async greet(session: Session, hello: Hello, conversation: Connection, isKnown: boolean): Promise<Greeting> {
    session.meeting ??= this.meet(session, hello);
    try {
      await session.meeting;
    } catch (error) {
      session.meeting = undefined;
      throw error;
    }
    const greeting = { session: session.id, ...(await this.recall(session, hello, conversation)) };
    this.log.info(
      `${session.name} ${isKnown ? 'is back' : 'has come'}${session.claims.size > 0 ? `, with ${amount(session.claims.size, 'job')}` : ''}`,
    );
    return greeting;
  }

  /** The connection to a client was lost. */
  left(session: Session, conversation: Connection, heardAt: number): void {
    if (session.conversation !== conversation) return;
    session.conversation = undefined;
    const rest = this.letLapse(session, heardAt);
    const { size } = session.claims;
    const kept = size === 1 ? 'its job is kept' : `its ${size} jobs are kept`;
    this.log.info(`${session.name} is away${size > 0 ? `; ${kept} for ${Math.round(rest / 1000)} s` : ''}`);
  }

  /** A client says that it leaves for good. */
  async farewell(session: Session): Promise<void> {
    session.conversation = undefined;
    clearTimeout(session.lapse);
    this.byClient.delete(session.client);
    this.log.info(`${session.name} has left`);
    await this.giveUp([...session.claims.values()], session.name);
    session.claims.clear();
  }

  /** Ends all connections, and leaves all claims as they are. */
  async close(): Promise<void> {
    for (const session of this.byClient.values()) {
      clearTimeout(session.lapse);
      const { conversation } = session;
      session.conversation = undefined;
      conversation?.supersede();
      for (const claim of session.claims.values()) await claim.abandon?.();
    }
    this.byClient.clear();
  }

  /** Gives up claims whose client is gone. */
  async giveUp(claims: readonly Claim[], whose: string): Promise<void> {
    for (const claim of claims) {
      try {
        if (!this.options.reclaim) await claim.abandon?.();
        else await claim.release();
      } catch (error) {
        this.log.warn(`line ${claim.job.id}: ${reason(error)}`);
      }
    }
    if (claims.length === 0) return;
    this.bulletin.note();
    const fate = this.options.reclaim ? 'are set back to "."' : 'are orphans now: runset --reclaim sets them back';
    this.log.warn(`the jobs of ${whose} (lines ${claims.map(({ job }) => job.id).join(', ')}) ${fate}`);
  }

  /** Of those that are away and have no jobs the first is forgotten when there are too many: who comes back then is told so. */
  private makeRoom(): void {
    if (this.byClient.size < FAMILIAR * this.options.maxClients) return;
    for (const session of this.byClient.values()) {
      if (session.conversation !== undefined || session.claims.size > 0) continue;
      clearTimeout(session.lapse);
      this.byClient.delete(session.client);
      return;
    }
  }

  /** Returns how long the client has yet, in ms. */
  private letLapse(session: Session, heardAt: number): number {
    const rest = Math.max(0, this.options.grace - this.attention.silenceSince(heardAt));
    session.lapse = setTimeout(() => void this.lapsed(session, heardAt), Math.min(rest, LONGEST_TIMER));
    return rest;
  }

  private async lapsed(session: Session, heardAt: number): Promise<void> {
    if (session.conversation !== undefined) return;
    if (this.options.grace - this.attention.silenceSince(heardAt) > 1) {
      this.letLapse(session, heardAt);
      return;
    }
    this.byClient.delete(session.client);
    for (const id of session.claims.keys()) this.forfeits.add(session.client, id);
    this.log.info(`${session.name} has not come back`);
    await this.giveUp([...session.claims.values()], session.name);
    session.claims.clear();
  }

  /** Compares what the client says it has with what it has for us. */
  private async recall(session: Session, { claims }: Hello, conversation: Connection): Promise<Pick<Greeting, 'lost' | 'ended'>> {
    const listed = new Set(claims.map(({ id }) => id));
    // It was never told of these: the answer was lost with the connection.
    const unheard = [...session.claims].filter(([id]) => !listed.has(id));
    for (const [id, claim] of unheard) {
      // Whoever it is heard over now does the rest, and has claimed what is new.
      if (session.conversation !== conversation) break;
      session.claims.delete(id);
      await claim.release({ unrun: true });
    }
    const lost: Greeting['lost'] = [];
    const ended: number[] = [];
    for (const id of session.verdicts.keys()) if (!listed.has(id)) session.verdicts.delete(id);
    for (const id of listed) {
      const verdict = session.verdicts.get(id);
      if (verdict?.kind === 'recorded') ended.push(id);
      else if (verdict) lost.push({ id, reason: verdict.reason });
      else if (!session.claims.has(id) && !session.ended.has(id)) lost.push({ id, reason: 'the server does not know of it' });
    }
    return { lost, ended };
  }

  /** A client comes that is new to us: or new to this server, which may have been started again. */
  private async meet(session: Session, hello: Hello): Promise<void> {
    const { client, claims, verdicts } = session;
    const open: OpenClaim[] = [];
    for (const wanted of hello.claims) {
      const { id } = wanted;
      // An earlier try may have failed half-way.
      if (claims.has(id) || verdicts.has(id)) continue;
      if (this.forfeits.has(client, id)) verdicts.set(id, { kind: 'refused', reason: GIVEN_UP });
      else open.push(wanted);
    }
    await this.returning.recognise(
      open,
      (id, recognised) => {
        if (recognised.kind === 'held') claims.set(id, recognised.claim);
        else verdicts.set(id, recognised.kind === 'ended' ? { kind: 'recorded' } : { kind: 'refused', reason: recognised.reason });
      },
      () => {
        if (session.conversation === undefined) throw new Error('the client has gone');
      },
    );
  }
}

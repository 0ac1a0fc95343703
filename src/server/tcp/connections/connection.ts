/** Connections, from the first byte: the throttle of unproved peers, the TLS handshake, hello and welcome, heartbeats. */

import { errnoName, RunmakerError, reason } from '../../../errors.js';
import type { Channel } from '../../../wire/channel.js';
import {
  type FromClient,
  type FromServer,
  type Hello,
  PROTOCOL_VERSION,
  ProtocolError,
  readFromClient,
  type Welcome,
} from '../../../wire/messages.js';
import { type Answerable, RequestHandler } from '../requests/request-handler.js';
import type { Session } from '../sessions/session.js';
import type { ConnectionContext } from './connection-context.js';
import { RequestQueue } from './request-queue.js';

/** How long a client may take to say hello, in ms. */
const HELLO_PATIENCE = 10_000;
/** A client that is silent for so many pulses is gone. */
const SILENT_PULSES = 2.5;

/** What a connection has once its client was welcomed. */
interface Established {
  readonly session: Session;
  readonly handler: RequestHandler;
  readonly requests: RequestQueue;
}

/** One connection of one client: reads its messages, and answers. */
export class Connection {
  private established: Established | undefined;
  private session: Session | undefined;
  private saidHello = false;
  private pulse: NodeJS.Timeout | undefined;
  private readonly helloTimer: NodeJS.Timeout;
  /** Whether the client is still heard over this connection. */
  isOpen = true;

  /** @param peer address of the client */
  constructor(
    private readonly channel: Channel<FromServer>,
    readonly peer: string,
    private readonly context: ConnectionContext,
  ) {
    this.helloTimer = setTimeout(() => this.refuse('nothing was said'), HELLO_PATIENCE);
    channel.open({
      line: line => {
        // What comes late over a connection that was replaced says nothing about the new one.
        if (!this.isOpen) return;
        const message = readFromClient(line);
        if (message.type !== 'hello') return this.take(message);
        if (this.saidHello) throw new ProtocolError('hello is said once');
        this.saidHello = true;
        clearTimeout(this.helloTimer);
        void this.establish(message);
      },
      over: error => this.over(error),
    });
  }

  send(message: FromServer): void {
    if (this.isOpen) this.channel.send(message);
  }

  /** The client is heard over another connection by now, or the server closes. */
  supersede(): void {
    this.channel.end();
    this.over(undefined);
  }

  private async establish(hello: Hello): Promise<void> {
    if (hello.version !== PROTOCOL_VERSION) {
      return this.refuse(`the server speaks version ${PROTOCOL_VERSION} of the protocol, not ${hello.version}`);
    }
    const { sessions } = this.context;
    const admission = sessions.admit(hello, this);
    if (admission.kind === 'refused') return this.refuse(admission.reason, admission.hint);
    const { session, isKnown } = admission;
    this.session = session;
    try {
      const greeting = await sessions.greet(session, hello, this, isKnown);
      if (this.isOpen) this.welcome(session, greeting);
    } catch (error) {
      if (this.isOpen) this.refuse(reason(error));
    }
  }

  private welcome(session: Session, greeting: Pick<Welcome, 'session' | 'lost' | 'ended'>): void {
    const { requests: context, pulse } = this.context;
    const handler = new RequestHandler(session, this, context);
    const requests = new RequestQueue(
      this.channel,
      request => this.answer(handler, session, request),
      () => session.confirm(),
    );
    this.established = { session, handler, requests };
    this.pulse = setInterval(() => this.beat(session), pulse);
    const { presence, presenceReturns } = context.queue.capabilities;
    const seen = context.changes.position;
    this.send({ type: 'welcome', version: PROTOCOL_VERSION, presence, presenceReturns, ...greeting, seen, pulse });
  }

  /** @throws ProtocolError */
  private take(message: Exclude<FromClient, { type: 'hello' }>): void {
    if (this.established === undefined) throw new ProtocolError('the first thing to say is hello');
    const { session, handler, requests } = this.established;
    switch (message.type) {
      case 'pong':
        requests.confirm();
        break;
      case 'bye':
        this.session = undefined;
        this.supersede();
        void this.context.sessions.leave(session);
        break;
      case 'tried':
      case 'enough':
      case 'part':
        handler.note(message);
        break;
      default:
        requests.add(message);
    }
  }

  private async answer(handler: RequestHandler, session: Session, request: Answerable): Promise<void> {
    try {
      const answer = await handler.answer(request);
      if (answer) this.send(answer);
    } catch (error) {
      if (!this.isOpen) return;
      // A system error is about this host: a limit, or a disk.
      const where = error instanceof RunmakerError && errnoName(error.cause) !== undefined ? 'on the server: ' : '';
      const message = `${where}${reason(error)}`;
      const { code, hint } = error instanceof RunmakerError ? error : { code: 'queue' as const, hint: undefined };
      this.send({ type: 'failed', id: request.id, code, message, ...(hint !== undefined && { hint }) });
      this.context.log.warn(`${session.name}: ${request.type}: ${reason(error)}`);
    }
  }

  private beat(session: Session): void {
    const { stalls, pulse } = this.context;
    if (stalls.silenceSince(this.channel.heardAt) > pulse * SILENT_PULSES) {
      this.channel.destroy(new Error('nothing was heard any more'));
      return;
    }
    session.mark();
    this.send({ type: 'ping' });
  }

  private refuse(reason: string, hint?: string): void {
    this.context.log.warn(`${this.peer}: refused: ${reason}`);
    this.send({ type: 'refusal', reason, ...(hint !== undefined && { hint }) });
    this.channel.end();
  }

  private over(error: Error | undefined): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearTimeout(this.helloTimer);
    clearInterval(this.pulse);
    this.established?.requests.close();
    this.established?.handler.close();
    const { log, sessions } = this.context;
    if (error instanceof ProtocolError || error instanceof RangeError) log.warn(`${this.peer}: broke off: ${error.message}`);
    if (this.session) sessions.disconnected(this.session, this, this.channel.heardAt);
  }
}

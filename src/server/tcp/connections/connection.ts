import { errnoName, RunmakerError, reason } from '../../../errors.js';
import type { Channel } from '../../../wire/channel.js';
import {
  type FromClient,
  type FromServer,
  type Hello,
  PROTOCOL_VERSION,
  ProtocolError,
  type Request,
  readFromClient,
} from '../../../wire/messages.js';
import type { ServerLog } from '../../log.js';
import type { House } from '../house.js';
import { RequestHandler } from '../requests/request-handler.js';
import type { Session } from '../sessions/session.js';

/** How long a client may take to say who it is, in ms. */
const HELLO_PATIENCE = 10_000;
/** A client that says nothing for so many pulses is gone. */
const SILENT_PULSES = 2.5;
/** Requests of one client that are worked on at the same time. */
const MOST_OPEN = 64;

/** What is answered. */
type Answerable = Exclude<Request, { type: 'part' }>;

/** One connection of one client: reads what it says, and answers. */
export class Connection {
  private clerk: RequestHandler | undefined;
  private session: Session | undefined;
  private lastId = 0;
  /** Requests that wait for others to be answered; nothing more is read while there are any. */
  private readonly inbox: Answerable[] = [];
  private openRequests = 0;
  /** The last request that came before the client has shown that it is there, until that is taken note of. */
  private confirmedAt: number | undefined;
  private isEntering = false;
  private pulse: NodeJS.Timeout | undefined;
  private readonly late: NodeJS.Timeout;
  private readonly log: ServerLog;
  /** Whether the client is still heard over this connection. */
  isOpen = true;

  /** @param peer address of the client */
  constructor(
    private readonly channel: Channel<FromServer>,
    readonly peer: string,
    private readonly house: House,
  ) {
    this.log = house.log;
    this.late = setTimeout(() => this.refuse('nothing was said'), HELLO_PATIENCE);
    channel.open({
      line: line => {
        // What comes late over a connection that was replaced says nothing about the new one.
        if (!this.isOpen) return;
        const message = readFromClient(line);
        if (message.type !== 'hello') return this.take(message);
        if (this.isEntering) throw new ProtocolError('hello is said once');
        this.isEntering = true;
        clearTimeout(this.late);
        void this.enter(message);
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

  private async enter(hello: Hello): Promise<void> {
    if (hello.version !== PROTOCOL_VERSION) {
      return this.refuse(`the server speaks version ${PROTOCOL_VERSION} of the protocol, not ${hello.version}`);
    }
    const { sessions, queue, bulletin, pulse } = this.house;
    const admission = sessions.admit(hello, this);
    if (admission.kind === 'refused') return this.refuse(admission.reason, admission.hint);
    const { session, isKnown } = admission;
    this.session = session;
    try {
      const greeting = await sessions.greet(session, hello, this, isKnown);
      if (!this.isOpen) return;
      this.clerk = new RequestHandler(session, this, this.house);
      this.pulse = setInterval(() => this.beat(session), pulse);
      const { presence, presenceReturns } = queue.capabilities;
      this.send({ type: 'welcome', version: PROTOCOL_VERSION, presence, presenceReturns, ...greeting, seen: bulletin.position, pulse });
    } catch (error) {
      if (this.isOpen) this.refuse(reason(error));
    }
  }

  /** @throws ProtocolError */
  private take(message: Exclude<FromClient, { type: 'hello' }>): void {
    const { clerk, session } = this;
    if (clerk === undefined || session === undefined) throw new ProtocolError('the first thing to say is hello');
    switch (message.type) {
      case 'pong':
        this.confirmedAt ??= this.lastId;
        this.confirm();
        break;
      case 'bye':
        this.session = undefined;
        this.supersede();
        void this.house.sessions.farewell(session);
        break;
      case 'tried':
        clerk.noteTried(message);
        break;
      case 'enough':
        clerk.endList(message.of);
        break;
      case 'part':
        clerk.notePart(message);
        break;
      default:
        if (message.id <= this.lastId) throw new ProtocolError(`request ${message.id} comes twice, or too late`);
        this.lastId = message.id;
        this.inbox.push(message);
        this.work(clerk);
    }
  }

  /** Begins with what waits, unless enough is open, or what was answered is not fetched. */
  private work(clerk: RequestHandler): void {
    while (this.isOpen && this.inbox.length > 0 && this.openRequests < MOST_OPEN && !this.channel.isFull) {
      this.openRequests++;
      void this.answer(clerk, this.inbox.shift() as Answerable).finally(() => {
        this.openRequests--;
        this.work(clerk);
      });
      this.confirm();
    }
    if (this.inbox.length === 0) {
      this.channel.resume();
      return;
    }
    this.channel.pause();
    if (this.isOpen && this.openRequests === 0) void this.channel.drained().then(() => this.work(clerk));
  }

  /** What came before, and still waits here, may ask again for what is to be forgotten: that must have begun. */
  private confirm(): void {
    const [next] = this.inbox;
    if (this.confirmedAt === undefined || (next !== undefined && next.id <= this.confirmedAt)) return;
    this.confirmedAt = undefined;
    this.session?.confirm();
  }

  private async answer(clerk: RequestHandler, request: Answerable): Promise<void> {
    try {
      const answer = await clerk.answer(request);
      if (answer) this.send(answer);
    } catch (error) {
      if (!this.isOpen) return;
      // What the system has to say is about this host: a limit, or a disk.
      const where = error instanceof RunmakerError && errnoName(error.cause) !== undefined ? 'on the server: ' : '';
      const message = `${where}${reason(error)}`;
      const { code, hint } = error instanceof RunmakerError ? error : { code: 'queue' as const, hint: undefined };
      this.send({ type: 'failed', id: request.id, code, message, ...(hint !== undefined && { hint }) });
      this.log.warn(`${this.session?.name ?? this.peer}: ${request.type}: ${reason(error)}`);
    }
  }

  private beat(session: Session): void {
    if (this.house.attention.silenceSince(this.channel.heardAt) > this.house.pulse * SILENT_PULSES) {
      this.channel.destroy(new Error('nothing was heard any more'));
      return;
    }
    session.mark();
    this.send({ type: 'ping' });
  }

  private refuse(reason: string, hint?: string): void {
    this.log.warn(`${this.peer}: refused: ${reason}`);
    this.send({ type: 'refusal', reason, ...(hint !== undefined && { hint }) });
    this.channel.end();
  }

  private over(error: Error | undefined): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearTimeout(this.late);
    clearInterval(this.pulse);
    this.clerk?.close();
    if (error instanceof ProtocolError || error instanceof RangeError) this.log.warn(`${this.peer}: broke off: ${error.message}`);
    if (this.session) this.house.sessions.left(this.session, this, this.channel.heardAt);
  }
}

import { randomBytes } from 'node:crypto';
import { Backoff } from '../../async/backoff.js';
import { RunmakerError } from '../../errors.js';
import { hostName } from '../../system/host.js';
import { type Address, printAddress } from '../../wire/address.js';
import type { Channel } from '../../wire/channel.js';
import { type Answer, type FromClient, type FromServer, PROTOCOL_VERSION, type Request, type Welcome } from '../../wire/messages.js';
import { dial } from './dial.js';
import { explain, isPermanent } from './explain.js';
import { greet } from './greet.js';
import { OpenClaims } from './open-claims.js';
import { type AskOptions, PendingRequest, type WireNotice } from './pending-request.js';
import { PendingRequests, withId } from './pending-requests.js';

/** Between two tries to reconnect, in ms. */
const PAUSES = { first: 50, longest: 1000 };
/** How often requests are checked for the end of their patience while there is no connection, in ms. */
const EXPIRY_INTERVAL = 200;
/** A short loss of the connection is not mentioned. After this long, in ms, the user is told. */
const ABSENCE = 2000;

/** A request without its id. */
type Unnumbered<R = Request> = R extends unknown ? Omit<R, 'id'> : never;

export interface ServerConnectionOptions {
  readonly address: Address;
  readonly key: Buffer;
  /** How long a request may go unanswered while the server cannot be reached, in ms. */
  readonly patience: number;
  /** Called with each welcome; returns the messages to send before all else. */
  readonly welcomed: (welcome: Welcome) => readonly FromClient[];
  /** Receives notices that come after the answer. */
  readonly tell: (notice: WireNotice) => void;
  /** Called when the server could not be reached for a while, and once more when it is back. */
  readonly absent: (failure: RunmakerError) => void;
  readonly back: () => void;
}

/** Result of a new connection: `over` settles when it is lost. */
interface Connected {
  readonly welcome: Welcome;
  readonly over: Promise<void>;
}

/** A client's connection to its server. Reconnects for as long as the queue is open, and repeats unanswered requests. */
export class ServerConnection {
  readonly claims = new OpenClaims();
  private readonly client = randomBytes(16).toString('hex');
  private readonly pending = new PendingRequests(this.claims);
  private readonly closing = new AbortController();
  private channel: Channel<FromClient> | undefined;
  /** Why there is no connection. */
  private failure: RunmakerError;
  /** Set once another try would fail for the same reason. */
  private isHopeless = false;
  private lastId = 0;
  /** Identifies what the server remembers of this client. */
  private session = '';
  private running: Promise<void> = Promise.resolve();
  /** How often the connection was lost. */
  losses = 0;

  constructor(private readonly options: ServerConnectionOptions) {
    this.failure = new RunmakerError('queue', `${printAddress(options.address)}: not connected`);
  }

  /** Connects for the first time. Rejects when that fails: the client only waits for a server that was there before. */
  async open(): Promise<Welcome> {
    const { welcome, over } = await this.connect();
    this.running = this.stayConnected(over);
    return welcome;
  }

  /** Sends a request to the server. Rejects with a RunmakerError when it refuses, or cannot be reached for too long. */
  async ask(unnumbered: Unnumbered, options: AskOptions = {}): Promise<Answer> {
    if (this.isHopeless || this.closing.signal.aborted) throw this.failure;
    options.signal?.throwIfAborted();
    const request = { ...unnumbered, id: ++this.lastId } as Request;
    const before = withId(options.before, request.id);
    const pending = new PendingRequest(request, { ...options, ...(before && { before }) });
    this.pending.add(pending);
    const giveUp = (): void => {
      if (this.channel === undefined && this.pending.remove(request.id)) pending.reject(options.signal?.reason as Error);
    };
    options.signal?.addEventListener('abort', giveUp, { once: true });
    if (this.channel) this.send(this.channel, pending);
    try {
      const answer = await pending.answer;
      if (answer.type === 'failed')
        throw new RunmakerError(answer.code, answer.message, answer.hint === undefined ? {} : { hint: answer.hint });
      return answer;
    } finally {
      options.signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Sends a message that needs no answer. Dropped without a connection: the server forgets such messages with the connection. */
  say(message: FromClient): void {
    this.channel?.send(message);
  }

  /** Disconnects. Open claims become orphans. */
  async close(): Promise<void> {
    this.failure = new RunmakerError('queue', `${printAddress(this.options.address)}: the queue was closed`);
    this.say({ type: 'bye' });
    this.channel?.end();
    this.closing.abort();
    await this.running;
    this.pending.rejectAll(this.failure);
  }

  private async stayConnected(first: Promise<void>): Promise<void> {
    let over = first;
    for (;;) {
      await over;
      const expiry = setInterval(() => this.pending.expire(this.options.patience, this.failure), EXPIRY_INTERVAL);
      let isTold = false;
      const absence = setTimeout(() => {
        isTold = true;
        this.options.absent(this.failure);
      }, ABSENCE);
      try {
        over = (await this.reconnect()).over;
        if (isTold) this.options.back();
      } catch {
        return;
      } finally {
        clearInterval(expiry);
        clearTimeout(absence);
      }
    }
  }

  /** Rejects when another try would fail for the same reason, or the queue is closed. */
  private async reconnect(): Promise<Connected> {
    const { signal } = this.closing;
    const backoff = new Backoff(PAUSES);
    for (;;) {
      await backoff.wait(signal);
      try {
        return await this.connect();
      } catch (error) {
        signal.throwIfAborted();
        this.failure = error as RunmakerError;
        if (!isPermanent(this.failure)) continue;
        this.isHopeless = true;
        this.pending.rejectAll(this.failure);
        throw error;
      }
    }
  }

  private async connect(): Promise<Connected> {
    const { address, key } = this.options;
    try {
      const channel = await dial(address, key, this.closing.signal);
      return await this.sayHello(channel);
    } catch (error) {
      throw explain(address, error);
    }
  }

  private sayHello(channel: Channel<FromClient>): Promise<Connected> {
    let lost!: () => void;
    const over = new Promise<void>(resolve => {
      lost = resolve;
    });
    return new Promise((resolve, reject) => {
      const hello = { version: PROTOCOL_VERSION, client: this.client, host: hostName(), claims: this.claims.list() };
      const events = {
        welcome: (welcome: Welcome) => {
          this.enter(channel, welcome);
          resolve({ welcome, over });
        },
        refused: ({ reason, hint }: Extract<FromServer, { type: 'refusal' }>) =>
          reject(new RunmakerError('queue', `${printAddress(this.options.address)}: ${reason}`, hint === undefined ? {} : { hint })),
        message: (message: Answer | Extract<FromServer, { type: 'notice' }>) => this.take(message),
        over: (cause: Error) => {
          if (this.channel === channel) this.leave(cause);
          reject(cause);
          lost();
        },
      };
      greet(channel, hello, events, this.closing.signal);
    });
  }

  private enter(channel: Channel<FromClient>, welcome: Welcome): void {
    this.channel = channel;
    this.session = welcome.session;
    this.claims.note(welcome);
    this.pending.connected(welcome.session, new Set(welcome.ended));
    for (const message of this.options.welcomed(welcome)) channel.send(message);
    this.pending.sendAll(pending => this.send(channel, pending));
  }

  private leave(cause: Error): void {
    this.channel = undefined;
    this.losses++;
    if (!this.closing.signal.aborted) this.failure = explain(this.options.address, cause);
    this.pending.connectionLost();
  }

  private send(channel: Channel<FromClient>, pending: PendingRequest): void {
    pending.sentIn = this.session;
    if (pending.request.type === 'end') this.claims.end(pending.request);
    for (const message of pending.messages) channel.send(message);
  }

  private take(message: Answer | Extract<FromServer, { type: 'notice' }>): void {
    if (message.type === 'notice') {
      const tell = this.pending.get(message.id)?.options.tell ?? this.options.tell;
      tell(message.notice);
    } else this.pending.settle(message);
  }
}

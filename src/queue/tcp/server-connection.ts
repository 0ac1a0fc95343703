import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import { hostName } from '../../system/host.js';
import { type Address, printAddress } from '../../wire/address.js';
import type { Channel } from '../../wire/channel.js';
import {
  type Answer,
  type FromClient,
  type FromServer,
  PROTOCOL_VERSION,
  type Request,
  readFromServer,
  type Welcome,
} from '../../wire/messages.js';
import { dial } from './dial.js';
import { explain, isForGood } from './explain.js';
import { OpenClaims } from './open-claims.js';
import { type AskOptions, PendingRequest, type WireNotice } from './pending-request.js';

/** Between two tries to come back, in ms. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;
/** How often, in ms, it is looked whose patience is at its end while nobody answers. */
const EXPIRY_INTERVAL = 200;
/** Connections are lost, and made again, without a word. After so long, in ms, the user should know. */
const ABSENCE = 2000;
/** A server that says nothing for so many of its pulses is gone. */
const SILENT_PULSES = 2.5;
/** How long a server may take to say who it is, in ms. */
const WELCOME_PATIENCE = 30_000;

/** A request without its id. */
type Unnumbered<R = Request> = R extends unknown ? Omit<R, 'id'> : never;

/** How a link is made. */
export interface ServerConnectionOptions {
  readonly address: Address;
  readonly key: Buffer;
  /** How long a request may go unanswered while the server cannot be reached, in ms. */
  readonly patience: number;
  /** Called with each welcome; returns what is to be said before all else. */
  readonly welcomed: (welcome: Welcome) => readonly FromClient[];
  /** Takes notices that come after the answer. */
  readonly tell: (notice: WireNotice) => void;
  /** Called when the server could not be reached for a while, and once more when it is back. */
  readonly absent: (failure: RunmakerError) => void;
  readonly back: () => void;
}

/**
 * One client's tie to its server, over as many connections as it takes: what was asked for and not answered when one is lost is
 * asked once more over the next. Goes on trying for as long as it is open.
 */
export class ServerConnection {
  readonly claims = new OpenClaims();
  private readonly client = randomBytes(16).toString('hex');
  private readonly pending = new Map<number, PendingRequest>();
  private readonly closing = new AbortController();
  private channel: Channel<FromClient> | undefined;
  /** Why there is no connection. */
  private failure: RunmakerError;
  /** Set once it is of no use to try again. */
  private isHopeless = false;
  private lastId = 0;
  /** What the server remembers of us, by its name. */
  private session = '';
  private running: Promise<void> = Promise.resolve();
  /** Grows with each connection. */
  connections = 0;

  constructor(private readonly options: ServerConnectionOptions) {
    this.failure = new RunmakerError('queue', `${printAddress(options.address)}: not connected`);
  }

  /** Connects for the first time. Rejects when that fails: only a server that was there before is waited for. */
  async open(): Promise<Welcome> {
    const { welcome, over } = await this.connect();
    this.running = this.stayConnected(over);
    return welcome;
  }

  /** Asks the server. Rejects with a RunmakerError when it refuses, or cannot be reached for too long. */
  async ask(unnumbered: Unnumbered, options: AskOptions = {}): Promise<Answer> {
    if (this.isHopeless || this.closing.signal.aborted) throw this.failure;
    options.signal?.throwIfAborted();
    const request = { ...unnumbered, id: ++this.lastId } as Request;
    const before = options.before?.map(message => (message.type === 'part' ? { ...message, id: request.id } : message));
    const pending = new PendingRequest(request, { ...options, ...(before && { before }) });
    this.pending.set(request.id, pending);
    const giveUp = (): void => {
      if (this.channel === undefined && this.pending.delete(request.id)) pending.reject(options.signal?.reason as Error);
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

  /** Says something that needs no answer. What cannot be said now is not said: the server forgets what is not said again. */
  say(message: FromClient): void {
    this.channel?.send(message);
  }

  /** Leaves. Claims that are open become orphans. */
  async close(): Promise<void> {
    this.failure = new RunmakerError('queue', `${printAddress(this.options.address)}: the queue was closed`);
    this.say({ type: 'bye' });
    this.channel?.end();
    this.closing.abort();
    await this.running;
    this.rejectAll();
  }

  private async stayConnected(first: Promise<void>): Promise<void> {
    let over = first;
    for (;;) {
      await over;
      const expiry = setInterval(() => this.expire(), EXPIRY_INTERVAL);
      let isTold = false;
      const absence = globalThis.setTimeout(() => {
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

  /** Rejects when there is nothing more to hope for. */
  private async reconnect(): Promise<{ over: Promise<void> }> {
    const { signal } = this.closing;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await setTimeout(pause * (0.5 + Math.random() / 2), undefined, { signal });
      try {
        return await this.connect();
      } catch (error) {
        signal.throwIfAborted();
        this.failure = error as RunmakerError;
        if (!isForGood(this.failure)) continue;
        this.isHopeless = true;
        this.rejectAll();
        throw error;
      }
    }
  }

  /** Connects and is welcomed; `over` settles when the connection is lost. */
  private async connect(): Promise<{ welcome: Welcome; over: Promise<void> }> {
    try {
      const channel = await dial(this.options.address, this.options.key, this.closing.signal);
      return await this.greet(channel);
    } catch (error) {
      throw explain(this.options.address, error);
    }
  }

  private greet(channel: Channel<FromClient>): Promise<{ welcome: Welcome; over: Promise<void> }> {
    let lost!: () => void;
    const over = new Promise<void>(resolve => {
      lost = resolve;
    });
    return new Promise((resolve, reject) => {
      const late = globalThis.setTimeout(() => channel.destroy(new Error('the server says nothing')), WELCOME_PATIENCE);
      // Until it is welcomed nobody but us knows of the channel, so that nobody else could close it.
      const { signal } = this.closing;
      const stop = (): void => channel.destroy();
      signal.addEventListener('abort', stop, { once: true });
      let heartbeat: NodeJS.Timeout | undefined;
      channel.open({
        line: line => {
          const message = readFromServer(line);
          if (message.type === 'welcome' && heartbeat === undefined) {
            clearTimeout(late);
            signal.removeEventListener('abort', stop);
            heartbeat = watchOver(channel, message.pulse);
            this.enter(channel, message);
            resolve({ welcome: message, over });
          } else if (message.type === 'refusal') {
            const { reason, hint } = message;
            reject(new RunmakerError('queue', `${printAddress(this.options.address)}: ${reason}`, hint === undefined ? {} : { hint }));
            channel.destroy();
          } else this.take(channel, message);
        },
        over: error => {
          clearTimeout(late);
          signal.removeEventListener('abort', stop);
          clearInterval(heartbeat);
          const cause = error ?? new Error('the server has ended the connection');
          if (this.channel === channel) this.leave(cause);
          reject(cause);
          lost();
        },
      });
      if (signal.aborted) stop();
      channel.send({ type: 'hello', version: PROTOCOL_VERSION, client: this.client, host: hostName(), claims: this.claims.list() });
    });
  }

  private enter(channel: Channel<FromClient>, welcome: Welcome): void {
    this.channel = channel;
    this.session = welcome.session;
    this.connections++;
    this.claims.note(welcome);
    const ended = new Set(welcome.ended);
    for (const [id, pending] of this.pending) {
      if (!pending.survivesOblivion(welcome.session)) this.pending.delete(id);
      if (pending.request.type !== 'end') continue;
      const reason = this.claims.lossOf(pending.request.claim);
      if (reason !== undefined) this.settle({ type: 'ended', id, result: { kind: 'refused', reason } });
      else if (ended.has(pending.request.claim)) this.settle({ type: 'ended', id, result: { kind: 'recorded' } });
    }
    for (const message of this.options.welcomed(welcome)) channel.send(message);
    for (const pending of this.pending.values()) this.send(channel, pending);
  }

  private leave(cause: Error): void {
    this.channel = undefined;
    if (!this.closing.signal.aborted) this.failure = explain(this.options.address, cause);
    for (const [id, pending] of this.pending) if (!pending.survivesLoss()) this.pending.delete(id);
  }

  private send(channel: Channel<FromClient>, pending: PendingRequest): void {
    pending.sentIn = this.session;
    if (pending.request.type === 'end') this.claims.end(pending.request);
    for (const message of pending.messages) channel.send(message);
  }

  private take(channel: Channel<FromClient>, message: FromServer): void {
    switch (message.type) {
      case 'ping':
        channel.send({ type: 'pong' });
        return;
      case 'notice':
        (this.pending.get(message.id)?.options.tell ?? this.options.tell)(message.notice);
        return;
      case 'welcome':
      case 'refusal':
        return;
      default:
        this.settle(message);
    }
  }

  private settle(answer: Answer): void {
    const pending = this.pending.get(answer.id);
    this.pending.delete(answer.id);
    pending?.resolve(answer);
  }

  private expire(): void {
    if (this.channel) return;
    const now = performance.now();
    for (const [id, pending] of this.pending) {
      if (now - pending.waitingSince <= this.options.patience) continue;
      this.pending.delete(id);
      pending.reject(this.failure);
    }
  }

  private rejectAll(): void {
    for (const pending of this.pending.values()) pending.reject(this.failure);
    this.pending.clear();
  }
}

/** Ends a channel over which nothing was heard for too long. */
function watchOver(channel: Channel<FromClient>, pulse: number): NodeJS.Timeout {
  return setInterval(() => {
    if (performance.now() - channel.heardAt > pulse * SILENT_PULSES) channel.destroy(new Error('the server has fallen silent'));
  }, pulse / 2).unref();
}

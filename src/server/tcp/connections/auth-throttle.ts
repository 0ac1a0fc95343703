import type { Socket } from 'node:net';
import type { ServerLog } from '../../log.js';
import { FailureBackoff } from './failure-backoff.js';

/** Connections that have not yet proved that they know the token; the newest displaces the oldest. */
const MOST_UNPROVED = 256;
/**
 * Of these, how many one address may have waiting because of wrong tokens; the rest is for other addresses. The more may wait, the sooner a
 * peer gets in from there that knows the token.
 */
const MOST_WAITING = 128;

/** What all peers of a Unix socket are called. */
const LOCAL_PEER = 'local';

/** Limits what a peer gets before it has proved that it knows the token: a place in a short queue, and a wait if it was wrong before. */
export class AuthThrottle {
  /** In the order in which they came. */
  private readonly unproved = new Set<Socket>();
  private readonly waiting = new Map<string, number>();
  private readonly backoff = new FailureBackoff();

  constructor(private readonly log: ServerLog) {}

  /** Takes a new connection, and passes it to `handOn` when its address has done its wait. */
  admit(socket: Socket, handOn: (socket: Socket) => void): void {
    socket.on('error', ignore);
    const [oldest] = this.unproved;
    if (this.unproved.size >= MOST_UNPROVED) oldest?.destroy();
    this.unproved.add(socket);
    socket.once('close', () => this.unproved.delete(socket));
    const address = addressOf(socket);
    const wait = this.backoff.waitOf(address);
    if (wait === 0) handOn(socket);
    else this.delay(socket, address, wait, handOn);
  }

  private delay(socket: Socket, address: string, wait: number, handOn: (socket: Socket) => void): void {
    const waiting = this.waiting.get(address) ?? 0;
    if (waiting >= MOST_WAITING) {
      // Not the one that has waited longest: none would ever get to the end of its wait.
      socket.destroy();
      return;
    }
    this.waiting.set(address, waiting + 1);
    const timer = setTimeout(() => {
      socket.off('close', leave);
      leave();
      if (!socket.destroyed) handOn(socket);
    }, wait);
    const leave = (): void => {
      clearTimeout(timer);
      const left = (this.waiting.get(address) ?? 1) - 1;
      if (left === 0) this.waiting.delete(address);
      else this.waiting.set(address, left);
    };
    socket.once('close', leave);
  }

  /** The peer knows the token. @param socket the one that was admitted */
  proved(socket: Socket): void {
    this.unproved.delete(socket);
    this.backoff.succeeded(addressOf(socket));
  }

  /** The peer does not know the token, or speaks another protocol. */
  failed(socket: Socket, what: string): void {
    const address = addressOf(socket);
    const times = this.backoff.failed(address);
    // The first few, and then now and then: strangers must not be able to fill the log.
    if (times <= 5 || times % 100 === 0) this.log.warn(`${address}: ${what}${times > 1 ? ` (${times} times)` : ''}`);
  }

  close(): void {
    for (const socket of this.unproved) socket.destroy();
  }
}

/** The address of a peer, without its port. */
export function addressOf(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? LOCAL_PEER;
}

const ignore = (): void => undefined;

import type { Socket } from 'node:net';
import type { ServerLog } from '../../log.js';
import { FailureBackoff } from './failure-backoff.js';

/** Connections that have not proved yet that they know the token; the oldest makes room for the newest. */
const MOST_STRANGERS = 256;
/**
 * Of these, how many one address may have waiting because of wrong tokens. Who waits comes no sooner again: the more may wait, the sooner
 * somebody gets in from there who knows the token. The rest is for other addresses.
 */
const MOST_WAITING = 128;

/** What all peers of a Unix socket are called. */
const LOCAL_PEER = 'local';

/** Before a peer has shown that it knows the token it gets little: a place in a short queue, and a wait if it was wrong before. */
export class AuthThrottle {
  /** In the order in which they came. */
  private readonly strangers = new Set<Socket>();
  private readonly waiting = new Map<string, number>();
  private readonly penalties = new FailureBackoff();

  constructor(private readonly log: ServerLog) {}

  /** Takes a new connection, and hands it on when its address has done its wait. */
  admit(socket: Socket, handOn: (socket: Socket) => void): void {
    socket.on('error', ignore);
    const [oldest] = this.strangers;
    if (this.strangers.size >= MOST_STRANGERS) oldest?.destroy();
    this.strangers.add(socket);
    socket.once('close', () => this.strangers.delete(socket));
    const address = addressOf(socket);
    const wait = this.penalties.waitOf(address);
    if (wait === 0) handOn(socket);
    else this.letWait(socket, address, wait, handOn);
  }

  private letWait(socket: Socket, address: string, wait: number, handOn: (socket: Socket) => void): void {
    const waiting = this.waiting.get(address) ?? 0;
    if (waiting >= MOST_WAITING) {
      // Not the one that has waited longest: nobody would ever get to the end of his wait.
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

  /** The peer knows the token. `socket` is the one that was admitted. */
  known(socket: Socket): void {
    this.strangers.delete(socket);
    this.penalties.succeeded(addressOf(socket));
  }

  /** The peer does not know the token, or does not speak as it should. */
  failed(socket: Socket, what: string): void {
    const address = addressOf(socket);
    const times = this.penalties.failed(address);
    // The first few, and then now and then: a log that anybody can fill is of no use.
    if (times <= 5 || times % 100 === 0) this.log.warn(`${address}: ${what}${times > 1 ? ` (${times} times)` : ''}`);
  }

  close(): void {
    for (const socket of this.strangers) socket.destroy();
  }
}

/** The address of a peer, without its port. */
export function addressOf(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? LOCAL_PEER;
}

const ignore = (): void => undefined;

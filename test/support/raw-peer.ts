import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { onTestFinished } from 'vitest';
import { clientSecurity } from '../../src/wire/secure.js';
import { keyOf } from '../../src/wire/token.js';
import { eventually } from './eventually.js';

/** A peer that sends arbitrary data. */
export class RawPeer {
  /** The received lines. */
  readonly lines: string[] = [];
  isOver = false;
  /** The received bytes after the last line feed. */
  rest = '';

  constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', bytes => {
      const lines = `${this.rest}${bytes}`.split('\n');
      this.rest = lines.pop() as string;
      this.lines.push(...lines);
    });
    socket.once('close', () => {
      this.isOver = true;
    });
    onTestFinished(() => void socket.destroy());
  }

  /** A peer with the token. */
  static async trusted(port: number, token: string): Promise<RawPeer> {
    const socket = connect({ host: '127.0.0.1', port, ...clientSecurity(keyOf(token)) });
    const peer = new RawPeer(socket);
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return peer;
  }

  /** A peer without the token. @param from a loopback address: each has its own record of wrong tokens */
  static async stranger(port: number, from = '127.0.0.1'): Promise<RawPeer> {
    const socket = connectPlain({ host: '127.0.0.1', port, localAddress: from });
    const peer = new RawPeer(socket);
    await new Promise(resolve => socket.once('connect', resolve).once('error', resolve));
    return peer;
  }

  say(message: object | string): void {
    this.socket.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
  }

  /** Sends bytes, and waits until they are gone, but not for long: the other end may not read them. */
  async pour(bytes: Buffer): Promise<void> {
    if (this.socket.write(bytes)) return;
    await once(this.socket, 'drain', { signal: AbortSignal.timeout(100) }).catch(() => undefined);
  }

  /** Says hello as a client, and waits for the welcome. */
  async enter(client = randomBytes(16).toString('hex'), claims: object[] = []): Promise<this> {
    this.say({ type: 'hello', version: 1, client, host: 'peer', claims });
    await this.hears('welcome');
    return this;
  }

  /** The first message of a type among those not read before. */
  async hears(type: string): Promise<Record<string, unknown>> {
    return await eventually(`the peer hears ${type}`, () => {
      const at = this.lines.findIndex(line => JSON.parse(line).type === type);
      return at < 0 ? undefined : (JSON.parse(this.lines.splice(at, 1)[0] as string) as Record<string, unknown>);
    });
  }

  async over(): Promise<void> {
    await eventually('the server has ended the connection', () => this.isOver);
  }
}

/** Whether a server rejects peers with this token. */
export function isTurnedAway(port: number, token: string, from = '127.0.0.1'): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from, ...clientSecurity(keyOf(token)) } as object);
    const answer = (isIt: boolean): void => {
      socket.destroy();
      resolve(isIt);
    };
    socket.once('secureConnect', () => answer(false));
    socket.on('error', () => answer(true));
    socket.once('close', () => answer(true));
  });
}

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { LineReader } from './line-reader.js';

/** From this many unsent bytes on nothing more is read from the peer, which does not fetch its answers. */
const MOST_UNSENT = 1024 * 1024;

/** Messages are gathered for a moment, up to this many characters. */
const MOST_GATHERED = 64 * 1024;

/** Takes what happens on a channel. */
export interface ChannelHandler {
  /** A line has come; it is only lent. An exception ends the channel. */
  line(line: Buffer): void;
  /** The channel is over. Called once. @param error what went wrong */
  over(error: Error | undefined): void;
}

/** A connection over which lines of JSON go both ways. This end sends messages of type `M`. */
export class Channel<M extends object> {
  /** When the last bytes came, by `performance.now()`. */
  heardAt = performance.now();
  private readonly reader: LineReader;
  private error: Error | undefined;
  private ends: ChannelHandler | undefined;
  private isOver = false;
  /** Messages on their way to the socket. */
  private gathered = '';

  /** @param longest bytes that a line of the other end may have; what is longer ends the channel */
  constructor(
    private readonly socket: Socket,
    longest: number,
  ) {
    this.reader = new LineReader(longest);
    socket.setNoDelay(true);
    socket.on('error', error => {
      this.error ??= error;
    });
  }

  /** Begins to listen. */
  open(ends: ChannelHandler): void {
    this.ends = ends;
    this.socket.on('data', (bytes: Buffer) => this.take(bytes));
    this.socket.once('end', () => this.socket.end());
    this.socket.once('close', () => this.finish());
    if (this.socket.destroyed) this.finish();
  }

  /**
   * Sends a message, unless the channel is over. Messages of the same moment are sent as one piece: to encrypt a piece and to pass it to
   * the kernel takes longer than all the rest of a message.
   */
  send(message: M): void {
    if (this.isOver || this.socket.destroyed || this.socket.writableEnded) return;
    if (this.gathered === '') process.nextTick(() => this.flush());
    this.gathered += `${JSON.stringify(message)}\n`;
    if (this.gathered.length > MOST_GATHERED) this.flush();
  }

  private flush(): void {
    const { gathered } = this;
    this.gathered = '';
    if (gathered !== '' && !this.socket.destroyed && !this.socket.writableEnded) this.socket.write(gathered);
  }

  /** Settles when the peer has fetched most of what was sent, or the channel is over. */
  async drained(): Promise<void> {
    if (this.isOver || this.socket.writableLength < MOST_UNSENT) return;
    const enough = new AbortController();
    const { signal } = enough;
    await Promise.race([once(this.socket, 'drain', { signal }), once(this.socket, 'close', { signal })]).catch(() => undefined);
    enough.abort();
  }

  /** Whether too much is unsent. */
  get isFull(): boolean {
    return this.socket.writableLength >= MOST_UNSENT;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Ends the channel in good order: what was sent before still arrives, if the peer fetches it soon. */
  end(): void {
    this.flush();
    this.socket.end();
    this.socket.resume();
    setTimeout(() => this.socket.destroy(), END_PATIENCE).unref();
  }

  /** Ends the channel at once. */
  destroy(error?: Error): void {
    this.error ??= error;
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    this.heardAt = performance.now();
    try {
      this.reader.feed(bytes, line => {
        if (!this.socket.destroyed) this.ends?.line(line);
      });
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.ends?.over(this.error);
  }
}

/** How long the last messages of a channel may take, in ms. */
const END_PATIENCE = 2000;

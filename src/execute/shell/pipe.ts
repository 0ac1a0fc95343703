import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** As much as a pipe holds. */
const SIZE = 64 * 1024;

/** Memory to read into, used again by pipe after pipe: most hold nothing, and to take fresh memory costs more than to find that out. */
export class PipeMemory {
  private readonly free: Buffer[] = [];

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(SIZE);
  }

  give(memory: Buffer): void {
    this.free.push(memory);
  }
}

/**
 * Reads a pipe to its end, no faster than its bytes are taken. Streams would take fresh memory for every few bytes that a job
 * prints; here they are read into the same, which is lent out until they are taken.
 */
export class Pipe {
  /** Settles when the pipe is closed and all of it was taken, or when it was destroyed. */
  readonly closed: Promise<void>;
  private readonly socket: Socket;
  private settle: () => void = () => undefined;

  /** @param take returns a promise when nothing more is to be read until it settles */
  constructor(fd: number, memory: PipeMemory, take: (bytes: Buffer) => void | Promise<void>) {
    const buffer = memory.take();
    let taking: Promise<void> | undefined;
    const callback = (count: number): boolean => {
      const taken = take(buffer.subarray(0, count));
      if (taken === undefined) return true;
      taking = taken.then(() => {
        taking = undefined;
        this.socket.resume();
      });
      return false;
    };
    // The types know onread of connections only, whose options go to this constructor.
    const options: SocketConstructorOpts & ConnectOpts = { fd, readable: true, writable: false, onread: { buffer, callback } };
    this.socket = new Socket(options);
    // What matters is that it is closed: a pipe that cannot be read any more has no more to say.
    this.socket.on('error', () => this.socket.destroy());
    this.closed = new Promise(resolve => {
      this.settle = resolve;
    });
    this.socket.once('close', async () => {
      // Lent until then, even if nobody waits for it any more.
      await taking;
      memory.give(buffer);
      this.settle();
    });
  }

  /** Reads no more, and does not wait for who takes it. */
  destroy(): void {
    this.socket.destroy();
    this.settle();
  }
}

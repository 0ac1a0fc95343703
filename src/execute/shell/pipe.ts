import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** Capacity of a pipe. */
const SIZE = 64 * 1024;

/** A read buffer, reused by pipe after pipe: most are empty, and allocation costs more than finding that out. */
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
 * Reads a pipe to its end, no faster than its bytes are taken. Streams would allocate for every few bytes that a job prints; this reads
 * into one buffer, which is lent out until the bytes are taken.
 */
export class Pipe {
  /** Settles when the pipe is closed and all of it was taken, or when it was destroyed. */
  readonly closed: Promise<void>;
  private readonly socket: Socket;
  private settle: () => void = () => undefined;

  /** @param take returns a promise to pause reading until it settles */
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
    // The types know onread only for connections, whose options go to this constructor.
    const options: SocketConstructorOpts & ConnectOpts = { fd, readable: true, writable: false, onread: { buffer, callback } };
    this.socket = new Socket(options);
    // Only its closing matters: a pipe that cannot be read has no more output.
    this.socket.on('error', () => this.socket.destroy());
    this.closed = new Promise(resolve => {
      this.settle = resolve;
    });
    this.socket.once('close', async () => {
      // Lent until then, even if no caller waits for it any more.
      await taking;
      memory.give(buffer);
      this.settle();
    });
  }

  /** Stops reading, and does not wait for pending output to be taken. */
  destroy(): void {
    this.socket.destroy();
    this.settle();
  }
}

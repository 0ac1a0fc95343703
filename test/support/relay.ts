import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection to a server that can be cut. */
export class Relay {
  private readonly pairs = new Set<[Socket, Socket]>();
  /** Nothing passes, and neither end is notified: as when a cable is pulled. */
  private isSilent = false;
  /** New connections are refused. */
  isClosed = false;

  private constructor(
    private readonly server: Server,
    /** The port that new connections go to. */
    public target: number,
  ) {}

  /** @param target a port of this host */
  static async open(target: number): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(server, target);
    server.on('connection', socket => relay.join(socket));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      relay.cut();
      await new Promise(resolve => server.close(resolve));
    });
    return relay;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  /** The number of connections through it. */
  get connections(): number {
    return this.pairs.size;
  }

  /** Ends all connections abruptly. Data in transit is lost. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) socket.resetAndDestroy();
    this.pairs.clear();
  }

  /** Blocks all traffic in both directions, or lets it pass again. */
  silence(isSilent: boolean): void {
    this.isSilent = isSilent;
    for (const pair of this.pairs)
      for (const socket of pair)
        if (isSilent) socket.pause();
        else socket.resume();
  }

  private join(near: Socket): void {
    if (this.isClosed) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: this.target });
    const pair: [Socket, Socket] = [near, far];
    this.pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined);
      from.on('data', bytes => void to.write(bytes));
      from.once('close', () => {
        this.pairs.delete(pair);
        // With a pulled cable, one end does not learn that the other has gone.
        if (!this.isSilent) to.destroy();
      });
      if (this.isSilent) from.pause();
    }
  }
}

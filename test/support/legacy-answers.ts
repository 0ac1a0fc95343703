import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server of the older protocol that treats each GET as the test says, and accepts every SET unless told to refuse it. */
export class LegacyAnswers {
  /** The received requests, in order. */
  readonly requests: string[] = [];
  private readonly server = createServer(socket => this.serve(socket));

  private constructor(
    private readonly onGet: (socket: Socket, times: number) => void,
    private readonly refused: readonly string[],
  ) {}

  /**
   * @param onGet receives the number of earlier ones
   * @param refused how these requests end
   */
  static async open(onGet: (socket: Socket, times: number) => void, refused: readonly string[] = []): Promise<LegacyAnswers> {
    const peer = new LegacyAnswers(onGet, refused);
    await new Promise<void>(resolve => peer.server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void peer.server.close());
    return peer;
  }

  get url(): string {
    return `tcp+legacy://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  private serve(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.once('data', bytes => {
      const request = bytes.toString().trimEnd();
      const gets = this.requests.filter(before => before.startsWith('GET')).length;
      this.requests.push(request);
      if (request.startsWith('GET')) this.onGet(socket, gets);
      else socket.end(this.refused.some(end => request.endsWith(end)) ? 'INVALID_CMD\n' : 'ACK\n');
    });
  }
}

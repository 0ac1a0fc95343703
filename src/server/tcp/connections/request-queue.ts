import type { Channel } from '../../../wire/channel.js';
import { type FromServer, ProtocolError } from '../../../wire/messages.js';
import type { Answerable } from '../requests/request-handler.js';

/** Requests of one client that are worked on at the same time. */
const MOST_OPEN = 64;

/** The part of a channel that keeps a client from asking for more than it fetches. */
export type FlowControl = Pick<Channel<FromServer>, 'isFull' | 'pause' | 'resume' | 'drained'>;

/** Puts the requests of a connection in a queue: a few are worked on at a time, and while others wait nothing more is read. */
export class RequestQueue {
  private readonly waiting: Answerable[] = [];
  private open = 0;
  private lastId = 0;
  /** The last request that came before the client has confirmed what it received, until that is taken note of. */
  private confirmedAt: number | undefined;
  private isClosed = false;

  /**
   * @param answer works on a request; never rejects
   * @param confirmed is called when the client has received all answers that were sent before the last ping
   */
  constructor(
    private readonly channel: FlowControl,
    private readonly answer: (request: Answerable) => Promise<void>,
    private readonly confirmed: () => void,
  ) {}

  /** @throws ProtocolError when the request is not newer than the last one */
  add(request: Answerable): void {
    if (request.id <= this.lastId) throw new ProtocolError(`request ${request.id} comes twice, or too late`);
    this.lastId = request.id;
    this.waiting.push(request);
    this.work();
  }

  /** The client has answered a ping. */
  confirm(): void {
    this.confirmedAt ??= this.lastId;
    this.confirmBegun();
  }

  close(): void {
    this.isClosed = true;
  }

  /** Begins with waiting requests, unless enough are open, or the client does not fetch its answers. */
  private work(): void {
    while (!this.isClosed && this.waiting.length > 0 && this.open < MOST_OPEN && !this.channel.isFull) {
      this.open++;
      void this.answer(this.waiting.shift() as Answerable).finally(() => {
        this.open--;
        this.work();
      });
      this.confirmBegun();
    }
    if (this.waiting.length === 0) {
      this.channel.resume();
      return;
    }
    this.channel.pause();
    if (!this.isClosed && this.open === 0) void this.channel.drained().then(() => this.work());
  }

  /** A request that came before the confirmation, and still waits here, may repeat one whose result is to be dropped: it must have begun. */
  private confirmBegun(): void {
    const [next] = this.waiting;
    if (this.confirmedAt === undefined || (next !== undefined && next.id <= this.confirmedAt)) return;
    this.confirmedAt = undefined;
    this.confirmed();
  }
}

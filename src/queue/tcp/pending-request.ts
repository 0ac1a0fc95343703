import { RunmakerError } from '../../errors.js';
import type { Answer, FromClient, FromServer, Request } from '../../wire/messages.js';

/** What a server has to say besides answers. */
export type WireNotice = Extract<FromServer, { type: 'notice' }>['notice'];

/** How a request is to be treated. */
export interface AskOptions {
  /** What is sent before the request itself. */
  readonly before?: readonly FromClient[];
  readonly tell?: ((notice: WireNotice) => void) | undefined;
  /** When it is aborted the request is given up, unless the server is about to answer it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What becomes of a request whose connection was lost before the answer. `again`: asked once more · `known`: only if the server
 * still knows of it, because doing it twice would be wrong · `over`: what it belonged to has gone with the connection.
 */
function whenLost({ type }: Request): 'again' | 'known' | 'over' {
  switch (type) {
    case 'append':
    case 'part':
    case 'set':
    case 'reclaim':
      return 'known';
    case 'more':
      return 'over';
    default:
      return 'again';
  }
}

/** Of an answer in many pieces the rest will never come. */
export function lostMidway(): RunmakerError {
  return new RunmakerError('queue', 'the connection was lost in the middle of an answer', { hint: 'try again' });
}

/** A request that was not answered yet. */
export class PendingRequest {
  readonly answer: Promise<Answer>;
  /** The session that it was sent in last. */
  sentIn: string | undefined;
  /** Since when nobody could answer it, by `performance.now()`. */
  waitingSince = performance.now();
  private settle!: { resolve(answer: Answer): void; reject(error: Error): void };

  constructor(
    readonly request: Request,
    readonly options: AskOptions,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
  }

  get messages(): readonly FromClient[] {
    return [...(this.options.before ?? []), this.request];
  }

  resolve(answer: Answer): void {
    this.settle.resolve(answer);
  }

  reject(error: Error): void {
    this.settle.reject(error);
  }

  /** The connection was lost: what will never be answered is rejected, and false returned. */
  survivesLoss(): boolean {
    this.waitingSince = performance.now();
    const { signal } = this.options;
    if (signal?.aborted) this.reject(signal.reason as Error);
    else if (this.sentIn !== undefined && whenLost(this.request) === 'over') {
      this.reject(lostMidway());
    } else return true;
    return false;
  }

  /** Over the next connection the server remembers us by this session, perhaps not the one before: the same. */
  survivesOblivion(session: string): boolean {
    if (this.sentIn === undefined || this.sentIn === session || whenLost(this.request) !== 'known') return true;
    this.reject(
      new RunmakerError('queue', `the server was started again while it was to ${this.request.type}: nobody knows whether it did`, {
        hint: 'look at the queue before you try again: runset --list',
      }),
    );
    return false;
  }
}

import { RunmakerError } from '../../errors.js';
import type { Answer, FromClient, FromServer, Request } from '../../wire/messages.js';

/** A server's messages other than answers. */
export type WireNotice = Extract<FromServer, { type: 'notice' }>['notice'];

/** How to treat a request. */
export interface AskOptions {
  /** Messages to send before the request itself. */
  readonly before?: readonly FromClient[];
  readonly tell?: ((notice: WireNotice) => void) | undefined;
  /** Aborting it gives up the request, unless the server is about to answer it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The fate of a request whose connection was lost before the answer. `again`: it is repeated · `known`: it is repeated if the server still
 * knows of it, because it must not be done twice · `over`: its context has gone with the connection.
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

/** The rest of an answer in many batches will never come. */
export function lostMidway(): RunmakerError {
  return new RunmakerError('queue', 'the connection was lost in the middle of an answer', { hint: 'try again' });
}

/** An unanswered request. */
export class PendingRequest {
  readonly answer: Promise<Answer>;
  /** The last session in which it was sent. */
  sentIn: string | undefined;
  /** Since when there is no server to answer it, by `performance.now()`. */
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

  /** The connection was lost. Rejects a request that will never be answered, and returns false. */
  survivesLoss(): boolean {
    this.waitingSince = performance.now();
    const { signal } = this.options;
    if (signal?.aborted) this.reject(signal.reason as Error);
    else if (this.sentIn !== undefined && whenLost(this.request) === 'over') {
      this.reject(lostMidway());
    } else return true;
    return false;
  }

  /** There is a new connection, in this session. In a new session, rejects a request that must not be repeated, and returns false. */
  survivesOblivion(session: string): boolean {
    if (this.sentIn === undefined || this.sentIn === session || whenLost(this.request) !== 'known') return true;
    this.reject(
      new RunmakerError('queue', `the server was started again while it was to ${this.request.type}: it is not known whether it did`, {
        hint: 'check the queue before you try again: runset --list',
      }),
    );
    return false;
  }
}

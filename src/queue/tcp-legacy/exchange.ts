import { connect, type Socket } from 'node:net';
import { ACK, isWholeWord, type LegacyRequest, printLegacyRequest } from '../../compat/runmaker4/plain-protocol.js';

/** How long the server may take to answer, in ms: it serves one connection after the other. */
const PATIENCE = 30_000;
/** A command may have 16 MiB. */
const LONGEST_ANSWER = 17 * 1024 * 1024;
const LF = 0x0a;

/**
 * The server sends its answer in one piece and without an end mark, and then waits. An answer that fits into one packet has arrived whole;
 * parts of a longer one may need retransmission, which takes TCP a few hundred ms.
 */
const ONE_PACKET = 1400;
const QUIET_SHORT = 20;
const QUIET_LONG = 1000;

/** Where the server listens. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** The connection ended in the middle of an answer. */
export class CutShortError extends Error {
  override readonly name = 'CutShortError';

  /** @param heard the part that arrived */
  constructor(readonly heard: Buffer) {
    super('the connection ended in the middle of an answer');
  }
}

/**
 * Makes one request, and returns the answer. Acknowledges its arrival, since the server waits for that after a job. Rejects with the
 * system's error, or when the connection ends before the answer is whole.
 */
export function exchange(server: Server, request: LegacyRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ ...server, timeout: PATIENCE, allowHalfOpen: true, noDelay: true });
    let heard: Buffer = Buffer.alloc(0);
    let quiet: NodeJS.Timeout | undefined;
    const fail = (error: Error): void => {
      clearTimeout(quiet);
      socket.destroy();
      reject(error);
    };
    const finish = (): void => {
      clearTimeout(quiet);
      const answer = withoutLineFeed(heard);
      socket.removeAllListeners('data').removeAllListeners('end').resume();
      // A job counts as received once the acknowledgement can reach the server.
      if (request.kind === 'get' && !isWholeWord(heard)) socket.end(ACK, () => resolve(answer));
      else {
        socket.end();
        resolve(answer);
      }
    };
    socket.once('connect', () => socket.write(printLegacyRequest(request)));
    socket.on('data', (bytes: Buffer) => {
      heard = heard.length === 0 ? bytes : Buffer.concat([heard, bytes]);
      clearTimeout(quiet);
      if (heard.length > LONGEST_ANSWER) fail(new Error(`an answer of more than ${LONGEST_ANSWER} bytes`));
      else if (isWholeWord(heard) || heard.at(-1) === LF) finish();
      else quiet = setTimeout(finish, heard.length > ONE_PACKET ? QUIET_LONG : QUIET_SHORT);
    });
    socket.once('end', () => fail(heard.length > 0 ? new CutShortError(heard) : new Error('the server said nothing')));
    socket.once('timeout', () => fail(new Error(`no answer within ${PATIENCE / 1000} s`)));
    socket.once('error', error => fail(heard.length > 0 ? new CutShortError(heard) : error));
    socket.once('close', () => fail(new Error('the connection was lost')));
  });
}

/** Earlier versions of runmaker-server send one. */
function withoutLineFeed(answer: Buffer): Buffer {
  return answer.at(-1) === LF ? answer.subarray(0, -1) : answer;
}

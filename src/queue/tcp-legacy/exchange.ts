import { connect, type Socket } from 'node:net';
import { ACK, isWholeWord, type LegacyRequest, printLegacyRequest } from '../../compat/runmaker4/plain-protocol.js';
import { LineReader } from '../../wire/line-reader.js';

/** How long the server may take for an answer, in ms. */
const PATIENCE = 30_000;
/** A command may have 16 MiB. */
const LONGEST_ANSWER = 17 * 1024 * 1024;

/**
 * What has come without a line feed is an answer when nothing follows for so long, in ms, and it fits into one packet: TCP delivers such a
 * packet whole or not at all. Of the older servers not all are known to send a line feed.
 */
const QUIET = 1000;
const ONE_PACKET = 1400;

/** Where the server listens. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes one request, and returns the line that is the answer to it. The client's word follows: the server waits for it after a job.
 * Rejects with what the system said, or when the connection ends before the answer is whole.
 */
export function exchange(server: Server, request: LegacyRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ ...server, timeout: PATIENCE, allowHalfOpen: true });
    const reader = new LineReader(LONGEST_ANSWER);
    const fail = (error: Error): void => {
      clearTimeout(quiet);
      socket.destroy();
      reject(error);
    };
    let quiet: NodeJS.Timeout | undefined;
    const finish = (line: Buffer): void => {
      clearTimeout(quiet);
      const answer = Buffer.from(line);
      if (request.kind === 'get') socket.end(`${ACK}\n`, () => resolve(answer));
      else {
        socket.end();
        resolve(answer);
      }
      socket.removeAllListeners('data').resume();
    };
    socket.once('connect', () => socket.write(printLegacyRequest(request)));
    socket.on('data', (bytes: Buffer) => {
      try {
        clearTimeout(quiet);
        quiet = setTimeout(() => {
          if (reader.rest.length <= ONE_PACKET) finish(reader.rest);
        }, QUIET);
        reader.feed(bytes, finish);
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.once('end', () => {
      clearTimeout(quiet);
      if (isWholeWord(reader.rest)) finish(reader.rest);
      else fail(new Error(reader.rest.length > 0 ? 'the connection ended in the middle of an answer' : 'the server said nothing'));
    });
    socket.once('timeout', () => fail(new Error(`no answer within ${PATIENCE / 1000} s`)));
    socket.once('error', fail);
    socket.once('close', () => reject(new Error('the connection was lost')));
  });
}

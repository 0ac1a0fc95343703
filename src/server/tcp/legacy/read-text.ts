import type { Socket } from 'node:net';

/** How long a client may take to say anything, in ms. */
const PATIENCE = 10_000;
/** The clients of runmaker4 send all in one piece, without a line feed: after a pause of so many ms nothing more will come. */
const QUIET = 200;
const LONGEST = 1024;

/**
 * Reads what a client says: until it is complete, or followed by silence, or the client has closed its end. Undefined if it says nothing in
 * time, '' if it says too much.
 */
export function readText(socket: Socket, isComplete: (text: string) => boolean): Promise<string | undefined> {
  return new Promise(resolve => {
    let text = '';
    const finish = (result: string | undefined): void => {
      clearTimeout(timer);
      socket.off('data', take).off('end', atEnd).off('close', atEnd).pause();
      resolve(result);
    };
    const atEnd = (): void => finish(text === '' ? undefined : text);
    let timer = setTimeout(atEnd, PATIENCE);
    const take = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      clearTimeout(timer);
      if (text.length > LONGEST) finish('');
      else if (isComplete(text)) finish(text);
      else timer = setTimeout(atEnd, QUIET);
    };
    socket.on('data', take).once('end', atEnd).once('close', atEnd).resume();
  });
}

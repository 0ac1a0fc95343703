import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const RETRY = 50;

/** Connects to a unix socket that may not exist yet. @param within ms */
export async function connectSoon(path: string, within: number): Promise<Socket> {
  for (const end = performance.now() + within; ; ) {
    try {
      return await new Promise((resolve, reject) => {
        const socket = connect(path, () => resolve(socket)).once('error', reject);
      });
    } catch (error) {
      if (performance.now() > end) throw error;
      await setTimeout(RETRY);
    }
  }
}

/** Calls `take` with each line from a socket. */
export function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) take(line.replace(/\r$/, ''));
  });
}

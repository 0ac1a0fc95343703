import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Command, type Ended } from './command.js';
import { connectSoon, onLines } from './line-socket.js';

export type { Command, Ended } from './command.js';

/** How long to wait for a command beyond its own limit, in seconds: a guest is slow to kill and to report. */
const GRACE = 30;

/** The host's end of the command line to a guest (guest/agent.sh is the other). */
export class Agent {
  private socket: Socket | undefined;
  private readonly waiting = new Map<string, (status: number) => void>();
  private closed = false;

  constructor(
    private readonly host: string,
    private readonly path: string,
    private readonly exchange: string,
  ) {}

  /** Settles when the guest accepts commands. @param within ms */
  async isUp(within: number): Promise<void> {
    const socket = await connectSoon(this.path, within);
    this.socket = socket;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.close());
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not up within ${within} ms`)), within);
      onLines(socket, line => {
        const [word, id, status] = line.split(' ') as [string, string?, string?];
        if (word === 'up') {
          clearTimeout(late);
          resolve();
        } else if (word === 'ended') {
          this.waiting.get(id ?? '')?.(Number(status));
        }
      });
    });
  }

  /** @param within seconds that the command may take */
  start(script: string, within: number): Command {
    const id = String(nextId++);
    writeFileSync(join(this.exchange, `${id}.sh`), `${script}\n`);
    const order = (text: string): void => {
      this.socket?.write(`${text}\n`);
    };
    const status = new Promise<Ended['status']>((resolve, reject) => {
      if (this.closed) resolve('power-off');
      const late = setTimeout(() => reject(new Error(`${this.host} does not tell how this ended: ${script}`)), (within + GRACE) * 1000);
      this.waiting.set(id, code => {
        clearTimeout(late);
        this.waiting.delete(id);
        resolve(Number.isNaN(code) ? 'power-off' : code);
      });
      order(`run ${id} ${within}`);
    });
    return new Command(join(this.exchange, id), status, name => order(`signal ${id} ${name}`));
  }

  /** The machine is off: none of its commands ends any more. */
  close(): void {
    this.closed = true;
    this.socket?.destroy();
    for (const end of [...this.waiting.values()]) end(Number.NaN);
  }
}

/** Numbers are never reused, even after a power-off: the files of a command stay. */
let nextId = 1;

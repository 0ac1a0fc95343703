import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';

/** How a command in a guest ended, and its output. Status 124: it exceeded its time limit. */
export interface Ended {
  readonly status: number | 'power-off';
  readonly stdout: string;
  readonly stderr: string;
}

/** A line, and when it was first seen, in ms since 1970 by this host's clock. */
export interface SeenLine {
  readonly text: string;
  readonly at: number;
}

const LOOK = 20;

/** A command that was started in a guest. Its outputs are files that both sides see. */
export class Command {
  readonly ended: Promise<Ended>;

  constructor(
    private readonly files: string,
    status: Promise<Ended['status']>,
    readonly signal: (name: string) => void,
  ) {
    this.ended = status.then(end => ({ status: end, stdout: this.stdout, stderr: this.stderr }));
    this.ended.catch(() => undefined);
  }

  /** Its output so far. */
  get stdout(): string {
    return read(`${this.files}.out`);
  }

  /** For a command that exceeded its time limit: also what it was waiting for. */
  get stderr(): string {
    return read(`${this.files}.err`) + read(`${this.files}.late`);
  }

  /** Waits until it has printed this. */
  async says(text: string, within = 30_000): Promise<void> {
    await eventually(`${JSON.stringify(text)} is printed`, () => this.stdout.includes(text) || this.stderr.includes(text), within);
  }

  /** Records when each line of stdout is first seen, until the command has ended. */
  async watch(): Promise<SeenLine[]> {
    const seen: SeenLine[] = [];
    let running = true;
    const look = (): void => {
      const lines = this.stdout.split('\n').slice(0, -1);
      for (const text of lines.slice(seen.length)) seen.push({ text, at: Date.now() });
    };
    const end = this.ended.finally(() => {
      running = false;
    });
    while (running) {
      look();
      await setTimeout(LOOK);
    }
    await end;
    look();
    return seen;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

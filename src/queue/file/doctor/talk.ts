import { rm, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../../errors.js';
import { APPEND_BYTE } from '../../../system/reserved-bytes.js';
import type { LockDriver } from '../locks/lock-driver.js';
import { freshen, lockSoon } from '../locks/try-lock.js';

/** One thing that one side said. */
export interface Saying {
  readonly from: string;
  readonly words: readonly string[];
}

const PAUSE = 50;
const LOCK_PATIENCE = 30_000;

/** A conversation between hosts, over a scratch file to which each side appends lines: `<id> <word> <word> …`. */
export class Talk {
  constructor(
    private readonly driver: LockDriver,
    private readonly path: string,
    readonly id: string,
  ) {}

  async open(): Promise<void> {
    await writeFile(this.path, '', { flag: 'a' });
  }

  async say(...words: string[]): Promise<void> {
    const file = await this.driver.open(this.path, 'append');
    try {
      await lockSoon(file, 'exclusive', APPEND_BYTE, 1, LOCK_PATIENCE, this.path);
      await file.write(Buffer.from(`${[this.id, ...words].join(' ')}\n`), null);
    } finally {
      await file.close();
    }
  }

  /** Waits until `find` finds something in what was said. */
  async hear<T>(find: (sayings: readonly Saying[]) => T | undefined, patience: number, what: string): Promise<T> {
    const end = performance.now() + patience;
    for (;;) {
      const found = find(await this.sayings());
      if (found !== undefined) return found;
      if (performance.now() > end) throw new RunmakerError('queue', `${what} did not come within ${Math.round(patience / 1000)} s`);
      await setTimeout(PAUSE);
    }
  }

  async close(): Promise<void> {
    await rm(this.path, { force: true });
  }

  private async sayings(): Promise<Saying[]> {
    const file = await this.driver.open(this.path, 'look');
    try {
      await freshen(file, this.driver, this.path);
      const { size } = await file.facts();
      const bytes = Buffer.alloc(size);
      const got = await file.read(bytes, 0);
      const lines = bytes.toString('utf8', 0, got).split('\n').slice(0, -1);
      return lines.map(line => {
        const [from = '', ...words] = line.split(' ');
        return { from, words };
      });
    } finally {
      await file.close();
    }
  }
}

import type { Connection, Reply } from './connection/connection.js';
import { FINISH } from './scripts/claim.js';
import type { Script } from './scripts/script.js';

/**
 * The answer to the end of a claim. `expired`: the runner's lease has run out, nothing was written · otherwise the line's state, or `/`.
 */
export type EndReply = { readonly kind: 'recorded' } | { readonly kind: 'expired' } | { readonly kind: 'refused'; readonly state: string };

interface End {
  readonly runner: string;
  /** Line, op of the claim, new state. */
  readonly item: readonly [number, string, string];
  settle(reply: EndReply): void;
  fail(error: unknown): void;
}

/** Most ends in one call. */
const MOST_ENDS = 500;
const RECORDED = '#';

/**
 * All writing calls except claims, one after the other: so that a call repeated because its answer did not arrive can be told from the
 * next. Ends of claims that arrive during a call share the next one.
 */
export class Writer {
  private readonly ends: End[] = [];
  private last: Promise<unknown> = Promise.resolve();
  private isScheduled = false;
  private ops = 0;

  constructor(private readonly connection: Connection) {}

  /** Whether anything was written. */
  get hasWritten(): boolean {
    return this.ops > 0;
  }

  /** Calls a script whose first argument is the number of the call. */
  call(script: Script, args: (op: string) => readonly (string | number | Buffer)[]): Promise<Reply> {
    return this.next(() => {
      const op = String(++this.ops);
      return this.connection.call(script, { args: () => [op, ...args(op)] });
    });
  }

  /** Ends a claim of a runner. */
  end(runner: string, line: number, op: string, state: string): Promise<EndReply> {
    return new Promise((settle, fail) => {
      this.ends.push({ runner, item: [line, op, state], settle, fail });
      if (this.isScheduled) return;
      this.isScheduled = true;
      void this.next(() => this.endAll());
    });
  }

  private next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async endAll(): Promise<void> {
    this.isScheduled = false;
    const { runner } = this.ends[0] as End;
    const other = this.ends.findIndex(end => end.runner !== runner);
    const ends = this.ends.splice(0, Math.min(other < 0 ? this.ends.length : other, MOST_ENDS));
    if (this.ends.length > 0) {
      this.isScheduled = true;
      void this.next(() => this.endAll());
    }
    const op = String(++this.ops);
    try {
      const args = [runner, op, ...ends.flatMap(({ item }) => item)];
      const [word, results] = (await this.connection.call(FINISH, { args: () => args, precious: true })) as readonly Reply[];
      const letters = String(results);
      ends.forEach(({ settle }, at) => {
        const state = letters[at] as string;
        if (String(word) === 'expired') settle({ kind: 'expired' });
        else settle(state === RECORDED ? { kind: 'recorded' } : { kind: 'refused', state });
      });
    } catch (error) {
      for (const { fail } of ends) fail(error);
    }
  }
}

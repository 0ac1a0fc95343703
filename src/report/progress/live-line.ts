import { Writable } from 'node:stream';
import { SingleBar } from 'cli-progress';
import type { LastLine } from './last-line.js';

/** How often the line is drawn anew, at most, in a second. */
const FRAMES = 5;
/** Columns of a terminal that does not say, as some pseudo-terminals do with a 0. */
const USUAL_WIDTH = 80;

/**
 * Draws a text that changes on the last line of a terminal. cli-progress decides when; the last line, which knows what else
 * is printed, decides how.
 */
export class LiveLine {
  private readonly line: LastLine;
  private readonly bar: SingleBar;

  /**
   * @param columns the terminal's width now; 0 if it does not say
   * @param text what to show now
   */
  constructor(line: LastLine, columns: () => number, text: () => string) {
    this.line = line;
    this.bar = new SingleBar({
      // One column stays free: terminals differ in where the cursor goes behind the last one.
      format: () => text().slice(0, (columns() || USUAL_WIDTH) - 1),
      stream: terminal(line),
      fps: FRAMES,
      // Else it would switch wrapping off for the whole terminal, also for what jobs print.
      linewrap: true,
      gracefulExit: false,
    });
  }

  start(): void {
    this.bar.start(1, 0);
  }

  /** Tells that there is something new to show. */
  update(): void {
    this.bar.update(0);
  }

  /** @param last stays on the terminal as a line of its own */
  stop(last?: string): void {
    this.bar.stop();
    this.line.show('');
    if (last !== undefined) void this.line.give(Buffer.from(`${last}\n`));
  }
}

/** What cli-progress takes for a terminal: lets texts through, and no escape sequence, because the last line has its own. */
function terminal(line: LastLine): NodeJS.WritableStream {
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      if (!text.startsWith('\x1b') && text !== '\n') line.show(text);
      done();
    },
  });
  return Object.assign(stream, { isTTY: true, columns: Number.MAX_SAFE_INTEGER });
}

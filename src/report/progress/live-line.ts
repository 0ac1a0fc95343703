import { Writable } from 'node:stream';
import { SingleBar } from 'cli-progress';
import type { LastLine } from './last-line.js';

/** Redraws a second, at most. */
const FRAMES = 5;
/** Columns of a terminal that reports none; some pseudo-terminals report 0. */
const USUAL_WIDTH = 80;

/**
 * Draws a changing text on the last line of a terminal. cli-progress decides when; the last line, which knows the other output, decides
 * how.
 */
export class LiveLine {
  private readonly line: LastLine;
  private readonly bar: SingleBar;

  /**
   * @param columns the terminal's current width; 0 if it reports none
   * @param text the text to show now
   */
  constructor(line: LastLine, columns: () => number, text: () => string) {
    this.line = line;
    this.bar = new SingleBar({
      // One column stays free: terminals differ in where the cursor goes after the last column.
      format: () => text().slice(0, (columns() || USUAL_WIDTH) - 1),
      stream: terminal(line),
      fps: FRAMES,
      // Otherwise cli-progress would switch off wrapping for the whole terminal, job output included.
      linewrap: true,
      gracefulExit: false,
    });
  }

  start(): void {
    this.bar.start(1, 0);
  }

  /** Signals that the text has changed. */
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

/** The terminal that cli-progress writes to: passes texts on and drops escape sequences, because the last line has its own. */
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

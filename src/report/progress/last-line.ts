import type { Sink } from '../output/byte-sink.js';

/** Go to the line's start, erase the line (ECMA-48: CR, EL). */
const ERASE = Buffer.from('\r\x1b[K');

/**
 * Keeps a line of text at the bottom of a terminal while other output goes above it: one write erases the line, prints the output and draws
 * the line again, so that the two never mix.
 */
export class LastLine implements Sink {
  private readonly sink: Sink;
  private text = '';
  private drawn = '';
  private redrawing = false;

  /** @param sink the terminal; all output to it must pass through this object */
  constructor(sink: Sink) {
    this.sink = sink;
  }

  get waiting(): number {
    return this.sink.waiting;
  }

  /** @param bytes whole lines */
  give(bytes: Buffer): void | Promise<void> {
    if (this.drawn === '' && this.text === '') return this.sink.give(bytes);
    this.drawn = this.text;
    return this.sink.give(Buffer.concat([ERASE, bytes, Buffer.from(this.text)]));
  }

  /** Replaces the text, which must be narrower than the terminal; '' removes it. */
  show(text: string): void {
    this.text = text;
    if (this.redrawing || text === this.drawn) return;
    if (this.sink.waiting === 0) {
      this.draw();
      return;
    }
    // A stopped terminal (Ctrl-S) must not receive ten lines a second.
    this.redrawing = true;
    void this.sink.flush().then(() => {
      this.redrawing = false;
      if (this.text !== this.drawn) this.draw();
    });
  }

  /** Settles when everything, the line included, is on the terminal. */
  async flush(): Promise<void> {
    await this.sink.flush();
    if (this.redrawing) await this.flush();
  }

  private draw(): void {
    this.drawn = this.text;
    void this.sink.give(Buffer.concat([ERASE, Buffer.from(this.text)]));
  }
}

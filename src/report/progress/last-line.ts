import type { Sink } from '../output/byte-sink.js';

/** Go to the line's start, erase the line (ECMA-48: CR, EL). */
const ERASE = Buffer.from('\r\x1b[K');

/**
 * Keeps a line of text at the bottom of a terminal while others print above it: what is given goes out in one write with the
 * line erased before and drawn again behind, so that the two never mix.
 */
export class LastLine implements Sink {
  private readonly sink: Sink;
  private text = '';
  private drawn = '';
  private redrawing = false;

  /** @param sink the terminal; everything that is printed there must pass through this object */
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

  /** Shows a text, narrower than the terminal, instead of the one before; '' takes it away. */
  show(text: string): void {
    this.text = text;
    if (this.redrawing || text === this.drawn) return;
    if (this.sink.waiting === 0) {
      this.draw();
      return;
    }
    // A terminal that was stopped (Ctrl-S) must not be sent a line ten times a second.
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

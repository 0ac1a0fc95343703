/** Runs at most a fixed number of pieces of work at a time. The others queue. */
export class Semaphore {
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /** Runs the work as soon as a place is free; it keeps the place until it settles. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy === this.most) await new Promise<void>(resolve => this.waiting.push(resolve));
    else this.busy++;
    try {
      return await work();
    } finally {
      // The place passes to the work that has waited longest.
      const next = this.waiting.shift();
      if (next) next();
      else this.busy--;
    }
  }
}

/** Lets so many through at a time. The others wait in line. */
export class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside === this.most) await new Promise<void>(resolve => this.waiting.push(resolve));
    else this.inside++;
    try {
      return await work();
    } finally {
      // The place goes to whoever waits longest, or is given up.
      const next = this.waiting.shift();
      if (next) next();
      else this.inside--;
    }
  }
}

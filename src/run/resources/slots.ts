/** The numbers 1 … size of one runner's running jobs: each is used by one job at a time, lowest free number first. */
export class Slots {
  private readonly size: number;
  private readonly taken = new Set<number>();

  /** @param size how many jobs may run at a time */
  constructor(size: number) {
    this.size = size;
  }

  get busy(): number {
    return this.taken.size;
  }

  get isFull(): boolean {
    return this.taken.size >= this.size;
  }

  /** Takes the lowest free number; undefined when all are in use. */
  take(): number | undefined {
    for (let slot = 1; slot <= this.size; slot++) {
      if (this.taken.has(slot)) continue;
      this.taken.add(slot);
      return slot;
    }
    return undefined;
  }

  /**
   * Returns a number.
   *
   * @throws RangeError when it is not in use: a caller's error that might free another job's slot next time
   */
  give(slot: number): void {
    if (!this.taken.delete(slot)) throw new RangeError(`slot ${slot} is not in use`);
  }
}

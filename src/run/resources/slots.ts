/** The numbers 1 … size that the jobs of one runner carry while they run: each is in use once at a time, the lowest free one goes first. */
export class Slots {
  private readonly size: number;
  private readonly taken = new Set<number>();

  /** @param size how many jobs may run at a time */
  constructor(size: number) {
    this.size = size;
  }

  /** How many are in use. */
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
   * Gives a number back.
   *
   * @throws RangeError when it is not in use: a mistake of the caller, which might free another job's slot next time
   */
  give(slot: number): void {
    if (!this.taken.delete(slot)) throw new RangeError(`slot ${slot} is not in use`);
  }
}

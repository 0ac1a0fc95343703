/** Something that is done once, and how many wait to hear what came of it. */
interface Entry<V> {
  readonly done: Promise<V>;
  waiting: number;
}

/**
 * Remembers what was done until the other end shows that it has heard of it: all that was answered before a `mark` is forgotten with the
 * `confirm` that follows it. What takes long is remembered for as long as it takes.
 */
export class IdempotencyCache<V> {
  private young = new Map<number, Entry<V>>();
  private old = new Map<number, Entry<V>>();
  private isMarked = false;

  has(id: number): boolean {
    return this.young.has(id) || this.old.has(id);
  }

  /**
   * Begins something, unless that was done under this id before, and returns the answer to it. Until then, and as long as it may not have
   * arrived, it is remembered.
   */
  async once<A>(id: number, begin: () => Promise<V>, answer: (value: V) => A | Promise<A>): Promise<A> {
    const entry = this.young.get(id) ?? this.old.get(id) ?? { done: begin(), waiting: 0 };
    // Who asks again has not heard of it.
    this.old.delete(id);
    this.young.set(id, entry);
    entry.waiting++;
    try {
      return await answer(await entry.done);
    } finally {
      entry.waiting--;
    }
  }

  /** Something was sent whose answer will show that all before it has arrived. */
  mark(): void {
    if (this.isMarked) return;
    this.isMarked = true;
    for (const [id, entry] of this.young) {
      if (entry.waiting > 0) continue;
      this.young.delete(id);
      this.old.set(id, entry);
    }
  }

  /** The answer has come. */
  confirm(): void {
    if (!this.isMarked) return;
    this.isMarked = false;
    this.old = new Map();
  }

  /** No answer will come any more: what was sent may not have arrived. */
  unmark(): void {
    this.isMarked = false;
  }
}

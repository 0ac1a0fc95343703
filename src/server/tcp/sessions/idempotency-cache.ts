/** Something that is done once, and how many callers wait for its result. */
interface Entry<V> {
  readonly done: Promise<V>;
  waiting: number;
}

/**
 * Remembers results by request id, so that a repeated request is answered and not carried out again. A result may be dropped once the
 * client has shown that it received it: what was answered before a `mark` is dropped by the `confirm` that follows. A request that takes
 * long is remembered for as long as it takes.
 */
export class IdempotencyCache<V> {
  private young = new Map<number, Entry<V>>();
  private old = new Map<number, Entry<V>>();
  private isMarked = false;

  has(id: number): boolean {
    return this.young.has(id) || this.old.has(id);
  }

  /** Calls `begin` unless that was done under this id before, and returns the answer to its result. Remembers it until it was received. */
  async once<A>(id: number, begin: () => Promise<V>, answer: (value: V) => A | Promise<A>): Promise<A> {
    const entry = this.young.get(id) ?? this.old.get(id) ?? { done: begin(), waiting: 0 };
    // A client that asks again has not received the answer.
    this.old.delete(id);
    this.young.set(id, entry);
    entry.waiting++;
    try {
      return await answer(await entry.done);
    } finally {
      entry.waiting--;
    }
  }

  /** A message was sent whose answer will show that the client has received all that was sent before. */
  mark(): void {
    if (this.isMarked) return;
    this.isMarked = true;
    for (const [id, entry] of this.young) {
      if (entry.waiting > 0) continue;
      this.young.delete(id);
      this.old.set(id, entry);
    }
  }

  /** That answer has come. */
  confirm(): void {
    if (!this.isMarked) return;
    this.isMarked = false;
    this.old = new Map();
  }

  /** That answer will not come: the connection was lost. */
  unmark(): void {
    this.isMarked = false;
  }
}

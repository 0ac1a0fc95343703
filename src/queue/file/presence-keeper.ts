/** Something whose presence has to be looked after for as long as it lasts. */
export interface Kept {
  keep(): Promise<void>;
}

/** Looks after the presence of all claims of one process, every so many ms. */
export class PresenceKeeper {
  private readonly kept = new Set<Kept>();
  private timer: NodeJS.Timeout | undefined;
  private busy = false;

  constructor(private readonly interval: number) {}

  add(claim: Kept): void {
    this.kept.add(claim);
    this.timer ??= setInterval(() => void this.round(), this.interval).unref();
  }

  remove(claim: Kept): void {
    this.kept.delete(claim);
    if (this.kept.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async round(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const claim of [...this.kept]) await claim.keep();
    } finally {
      this.busy = false;
    }
  }
}

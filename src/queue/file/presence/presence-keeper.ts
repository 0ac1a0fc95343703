/*
 * presence/: proof that the owner of a claim is alive, in the form of shared locks, and how long owners have been absent.
 */
/** Something whose presence has to be looked after for as long as it lasts. Neither call ever throws. */
export interface Kept {
  /** Byte offset of its line. */
  readonly start: number;
  /** Looks whether presence is still shown where it should be, and gives it up if not. */
  check(): Promise<void>;
  /** Shows presence again where it was given up. */
  restore(): Promise<void>;
}

/** Looks after the presence of all claims of one process, every so many ms. */
export class PresenceKeeper {
  private readonly kept = new Set<Kept>();
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;

  /** @param before is done before each round; that it fails does not matter */
  constructor(
    private readonly interval: number,
    private readonly before: () => Promise<void> = async () => undefined,
  ) {}

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

  /**
   * Whether the line at a byte offset is one of ours, however much presence there is lost for now.
   * @param besides a claim that does not count
   */
  keeps(start: number, besides?: Kept): boolean {
    for (const claim of this.kept) if (claim.start === start && claim !== besides) return true;
    return false;
  }

  /** Looks after all of them now. */
  round(): Promise<void> {
    this.underWay ??= this.lookAfterAll().finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  /** All are checked before any is restored: when lines have moved, one's old place may be another's new one. */
  private async lookAfterAll(): Promise<void> {
    await this.before().catch(() => undefined);
    for (const claim of [...this.kept]) await claim.check();
    for (const claim of [...this.kept]) await claim.restore();
  }

  /** In how many ms claims of other processes will have been looked after as well, if they are looked after like these. */
  get settled(): number {
    return this.interval * 2.5;
  }
}

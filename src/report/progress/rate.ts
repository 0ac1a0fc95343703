/** The rate of progress, averaged since the first measurement. */
export class RateMeter {
  private readonly now: () => number;
  private first: { readonly done: number; readonly at: number } | undefined;
  private done = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Takes the total done so far. A decrease (jobs were reset) starts over. */
  note(done: number): void {
    if (this.first === undefined || done < this.done) this.first = { done, at: this.now() };
    this.done = done;
  }

  /** Per millisecond; undefined while unknown. */
  get rate(): number | undefined {
    if (this.first === undefined) return undefined;
    const elapsed = this.now() - this.first.at;
    const done = this.done - this.first.done;
    return done > 0 && elapsed > 0 ? done / elapsed : undefined;
  }

  /** Milliseconds for `remaining` more at this rate; undefined while unknown. */
  timeFor(remaining: number): number | undefined {
    const rate = this.rate;
    return rate === undefined ? undefined : remaining / rate;
  }
}

/** `12.5/s`, `2.5/min`, `0.4/h`: in the first unit in which the rate is at least 1. */
export function formatRate(perMillisecond: number): string {
  const perSecond = perMillisecond * 1000;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  if (perSecond * 60 >= 1) return `${(perSecond * 60).toFixed(1)}/min`;
  return `${(perSecond * 3600).toFixed(1)}/h`;
}

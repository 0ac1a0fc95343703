import { setTimeout } from 'node:timers/promises';
import { EngineAway } from './engine/failure.js';

/** Between two tries while the engine is away, in ms: doubled from the first to the longest. */
const PAUSE = { first: 50, longest: 2000 };

/** The engine's outages, as far as its callers have noticed them. Times in ms since 1970. */
export class Outage {
  /** Start of the current outage; undefined while the engine answers. */
  private since: number | undefined;
  private last: { readonly from: number; readonly to: number } | undefined;
  private answered = false;

  /** @param tell called once per outage, with the error */
  constructor(private readonly tell: (error: EngineAway) => void) {}

  /** Whether the engine has ever answered. */
  get isKnown(): boolean {
    return this.answered;
  }

  /** Whether the engine was away at any time since then. */
  wasAwaySince(time: number): boolean {
    return this.since !== undefined || (this.last !== undefined && this.last.to >= time);
  }

  /** Calls the engine, and notes whether it answered. */
  async watch<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      this.back();
      return answer;
    } catch (error) {
      if (error instanceof EngineAway) this.away(error);
      else this.back();
      throw error;
    }
  }

  /**
   * Calls the engine, repeatedly while it is away.
   * @param until tells when to give up · @throws EngineAway then
   */
  async patiently<T>(call: () => Promise<T>, until: () => boolean): Promise<T> {
    for (let pause = PAUSE.first; ; pause = Math.min(pause * 2, PAUSE.longest)) {
      try {
        return await this.watch(call);
      } catch (error) {
        if (!(error instanceof EngineAway) || until()) throw error;
      }
      await setTimeout(pause * (0.5 + Math.random() / 2));
    }
  }

  private away(error: EngineAway): void {
    if (this.since !== undefined) return;
    this.since = Date.now();
    this.tell(error);
  }

  private back(): void {
    this.answered = true;
    if (this.since === undefined) return;
    this.last = { from: this.since, to: Date.now() };
    this.since = undefined;
  }
}

import { pause } from './timer.js';

/** The pauses of a backoff, in ms. */
export interface BackoffOptions {
  readonly first: number;
  readonly longest: number;
  /** Random part of a pause, 0 to 1, so that two callers that failed together do not retry together. Default 0.5. */
  readonly spread?: number;
}

/** Pauses between tries of something that fails: each up to twice as long as the previous one. */
export class Backoff {
  private current: number;
  private planned: number | undefined;
  private readonly options: Required<BackoffOptions>;

  constructor(options: BackoffOptions) {
    this.options = { spread: 0.5, ...options };
    this.current = options.first;
  }

  /** Whether there has been no pause yet, or none since `reset`. */
  get isFresh(): boolean {
    return this.current === this.options.first && this.planned === undefined;
  }

  /** How long the next pause will be, in ms. Stays the same until that pause. */
  get next(): number {
    this.planned ??= this.current * (1 - this.options.spread * Math.random());
    return this.planned;
  }

  /** Takes the next pause without waiting, for callers with a timer of their own. Returns its length in ms. */
  take(): number {
    const ms = this.next;
    this.planned = undefined;
    this.current = Math.min(this.current * 2, this.options.longest);
    return ms;
  }

  /** Waits for the next pause. Rejects when `signal` is aborted. */
  wait(signal?: AbortSignal): Promise<void> {
    return pause(this.take(), signal);
  }

  /** The work has succeeded: the next failure starts with the first pause again. */
  reset(): void {
    this.current = this.options.first;
    this.planned = undefined;
  }
}

/** Random pause in ms, 2 to 20, between tries for a lock that is held only briefly, so that competitors fall out of step. */
export function jitter(): number {
  return 2 + Math.random() * 18;
}

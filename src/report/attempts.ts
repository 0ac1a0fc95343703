import type { Attempt } from '../run/events.js';

/**
 * What a listener keeps about each attempt that is running: made when it is first heard of, forgotten when it ends.
 * A slot runs one attempt at a time, so its number is the key.
 */
export class Attempts<T> {
  private readonly make: (attempt: Attempt) => T;
  private readonly bySlot = new Map<number, T>();

  constructor(make: (attempt: Attempt) => T) {
    this.make = make;
  }

  /** Begins anew. */
  begin(attempt: Attempt): T {
    const value = this.make(attempt);
    this.bySlot.set(attempt.slot, value);
    return value;
  }

  of(attempt: Attempt): T {
    return this.bySlot.get(attempt.slot) ?? this.begin(attempt);
  }

  /** What was kept, for the last time. */
  end(attempt: Attempt): T {
    const value = this.of(attempt);
    this.bySlot.delete(attempt.slot);
    return value;
  }

  /** All that run. */
  values(): Iterable<T> {
    return this.bySlot.values();
  }
}

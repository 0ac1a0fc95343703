import type { Attempt } from '../run/events.js';

/**
 * Per-attempt state of a listener, from the attempt's first event to its last. A slot runs one attempt at a time, so the slot number is the
 * key.
 */
export class Attempts<T> {
  private readonly make: (attempt: Attempt) => T;
  private readonly bySlot = new Map<number, T>();

  constructor(make: (attempt: Attempt) => T) {
    this.make = make;
  }

  /** Starts with fresh state. */
  begin(attempt: Attempt): T {
    const value = this.make(attempt);
    this.bySlot.set(attempt.slot, value);
    return value;
  }

  of(attempt: Attempt): T {
    return this.bySlot.get(attempt.slot) ?? this.begin(attempt);
  }

  /** Returns the state and drops it. */
  end(attempt: Attempt): T {
    const value = this.of(attempt);
    this.bySlot.delete(attempt.slot);
    return value;
  }

  /** The state of all running attempts. */
  values(): Iterable<T> {
    return this.bySlot.values();
  }
}

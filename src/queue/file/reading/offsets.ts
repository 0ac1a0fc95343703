import { firstPlace } from '../../../job/search.js';

/** Where 32 bits wrap around. */
const WRAP = 2 ** 32;

/**
 * A growing list of ascending byte offsets, in 4 bytes each whatever the file's size: only the low 32 bits are kept for
 * every entry, and the few places where the high part grows. Ten million lines take 40 MB.
 */
export class Offsets {
  length = 0;
  private low: Uint32Array;
  /** Index of the first entry that lies beyond 2^32, 2·2^32, … */
  private readonly wraps: number[] = [];

  constructor(expected = 1024) {
    this.low = new Uint32Array(Math.max(16, expected));
  }

  push(offset: number): void {
    if (this.length === this.low.length) {
      const larger = new Uint32Array(Math.ceil(this.low.length * 1.5));
      larger.set(this.low);
      this.low = larger;
    }
    while (offset >= (this.wraps.length + 1) * WRAP) this.wraps.push(this.length);
    this.low[this.length++] = offset % WRAP;
  }

  at(index: number): number {
    const low = this.low[index] as number;
    if (this.wraps.length === 0) return low;
    let high = this.wraps.length;
    while (high > 0 && (this.wraps[high - 1] as number) > index) high--;
    return high * WRAP + low;
  }

  /** The index of the last entry that is not greater than `offset`, or -1. */
  indexAtOrBefore(offset: number): number {
    return firstPlace(this.length, place => this.at(place) > offset) - 1;
  }
}

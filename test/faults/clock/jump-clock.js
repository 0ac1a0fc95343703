// Preloaded with node --import: the clock on the wall jumps by hours, back and forth, several times a second. The monotonic clock, by
// which timers run, does not: as when somebody sets the time, or a virtual machine wakes up.
const HOURS = 3600_000;
const RealDate = Date;
const began = performance.now();

/** Every 150 ms another offset: up to 48 hours ahead or behind. */
function shift() {
  const step = Math.floor((performance.now() - began) / 150);
  return Math.round(48 * HOURS * Math.sin(step * 2.4));
}

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + shift());
    else super(...given);
  }

  static now() {
    return RealDate.now() + shift();
  }
};
